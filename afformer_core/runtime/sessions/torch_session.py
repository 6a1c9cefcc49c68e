# SPDX-License-Identifier: Apache-2.0
"""The session that runs the network with PyTorch on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.fuse_batch_norm import fold_batch_norms
from afformer_core.models.precision import convert_precision
from afformer_core.runtime.session import Memory, Output
from afformer_core.runtime.weights import load_model

if TYPE_CHECKING:
    from typing_extensions import Self


class TorchSession:
    """A network that runs with PyTorch on the CPU.

    Args:
        model: network ready for inference (see `prepared_model`).
        threads: number of threads of PyTorch's operators in this process; 0: unchanged.
    """

    backend = 'torch'

    def __init__(self, model: Afformer, threads: int = 0) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        self._model = model
        self._dtype = model.encoder.mean.dtype

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> Self:
        """Load a model folder.

        Raises:
            ModelFolderError: the folder does not contain a valid model.
            ValueError: the precision does not suit the model.
        """
        return cls(prepared_model(folder, precision), threads)

    @torch.inference_mode()
    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        return self._model.encode_frames(torch.from_numpy(frames)).numpy()

    @torch.inference_mode()
    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        memory = self._model.memorize(torch.from_numpy(features)[None])
        return Memory(
            tuple(_array(keys[0]) for keys in memory.keys),
            tuple(_array(values[0]) for values in memory.values),
        )

    @torch.inference_mode()
    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory in an image (see `Session.ground`)."""
        batch = VideoMemory.of_tensors(
            [torch.from_numpy(keys)[None].to(self._dtype) for keys in memory.keys],
            [torch.from_numpy(values)[None].to(self._dtype) for values in memory.values],
            self._model.configuration.memory_sizes,
        )
        outputs = self._model.ground_with_features(torch.from_numpy(image)[None], batch)
        heatmaps, actions, features = (output[0].numpy() for output in outputs)
        return Output(heatmaps, actions, features)


def prepared_model(folder: Path, precision: str) -> Afformer:
    """Load the network of a model folder, ready for inference in a precision."""
    model = load_model(folder)
    # In a network of timm, a norm may belong to another convolution than the one listed before it.
    if not is_timm(model.configuration.backbone):
        for encoder in model.encoders:
            fold_batch_norms(encoder)
    model.freeze_tables()
    convert_precision(model, precision)
    return model


def _array(tensor: torch.Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array
