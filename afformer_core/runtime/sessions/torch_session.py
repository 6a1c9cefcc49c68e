# SPDX-License-Identifier: Apache-2.0
"""Sessions that run networks with PyTorch, on the CPU or on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.fuse_batch_norm import fold_batch_norms
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.models.precision import convert_precision
from afformer_core.runtime.session import (
    MOST_FRAMES_AT_ONCE,
    Decoded,
    EncodedLevels,
    Memory,
    Stages,
)
from afformer_core.runtime.sessions.gpu import why_no_gpu
from afformer_core.runtime.weights import load_matching_network, load_model

if TYPE_CHECKING:
    from typing_extensions import Self

AnyNetwork = TypeVar('AnyNetwork', Afformer, MatchingNetwork)


class _TorchNetwork:
    """A network that runs with PyTorch on a device.

    Args:
        network: network ready for inference; it moves to the device.
        threads: number of threads of PyTorch's operators in this process; 0: unchanged.
        device: 'cpu', or 'cuda' for an NVIDIA GPU.

    Raises:
        ModelFolderError: there is no GPU.
    """

    backend = 'torch'

    def __init__(self, network: nn.Module, threads: int, device: str) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        self._device = device
        self._computing: Callable[[], AbstractContextManager[None]] = torch.inference_mode
        if device == 'cuda':
            self.backend = 'torch-cuda'
            self._computing = _exact_inference
            if not torch.cuda.is_available():
                raise ModelFolderError(f"backend 'torch-cuda' needs an NVIDIA GPU: {why_no_gpu()}")
        network.to(device)

    def _there(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _parts(self, images: UInt8Array) -> list[UInt8Array]:
        """Divide images into those that are encoded at once."""
        if self._device == 'cpu':
            return [images]
        firsts = range(0, len(images), MOST_FRAMES_AT_ONCE)
        return [images[first : first + MOST_FRAMES_AT_ONCE] for first in firsts]


class TorchSession(_TorchNetwork):
    """A network that runs with PyTorch (see `_TorchNetwork` and `prepared_model`)."""

    def __init__(self, model: Afformer, threads: int = 0, device: str = 'cpu') -> None:
        super().__init__(model, threads, device)
        self._model = model
        self._dtype = model.encoder.mean.dtype

    @classmethod
    def load(
        cls, folder: Path, threads: int = 0, precision: str = 'fp32', device: str = 'cpu'
    ) -> Self:
        """Load a model folder.

        Raises:
            ModelFolderError: the folder does not contain a valid model, or there is no GPU.
            ValueError: the precision does not suit the model.
        """
        return cls(prepared_model(folder, precision), threads, device)

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        with self._computing():
            parts = [self._model.encode_frames(self._there(part)) for part in self._parts(frames)]
            return np.concatenate([part.cpu().numpy() for part in parts])

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        with self._computing():
            memory = self._model.memorize(self._there(features)[None])
            return Memory.of([_array(tensor[0]) for tensor in (*memory.keys, *memory.values)])

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        with self._computing():
            levels, features = self._model.encode_images(self._there(image)[None])
            return EncodedLevels(image, levels, features[0].cpu().numpy())

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image (see `Session.decode`)."""
        with self._computing():
            keys, values = (
                [torch.from_numpy(array)[None].to(self._device, self._dtype) for array in arrays]
                for arrays in (memory.keys, memory.values)
            )
            sizes = self._model.configuration.memory_sizes
            batch = VideoMemory.of_tensors(keys, values, sizes)
            heatmaps, actions = self._model.ground_levels(image.levels, batch)
            return Decoded(heatmaps[0].cpu().numpy(), actions[0].cpu().numpy())


class TorchMatchingSession(_TorchNetwork):
    """A matching network that runs with PyTorch (see `prepared_matching_network`)."""

    def __init__(self, network: MatchingNetwork, threads: int = 0, device: str = 'cpu') -> None:
        super().__init__(network, threads, device)
        self._network = network

    @classmethod
    def load(
        cls, folder: Path, threads: int = 0, precision: str = 'fp32', device: str = 'cpu'
    ) -> Self:
        """Load the folder of a matching network (see `TorchSession.load`)."""
        return cls(prepared_matching_network(folder, precision), threads, device)

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        with self._computing():
            parts = [self._network.encode(self._there(part)) for part in self._parts(images)]
            return tuple(
                np.concatenate([tensor.cpu().numpy() for tensor in stage])
                for stage in zip(*parts, strict=True)
            )

    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        with self._computing():
            tensors = [self._there(stage)[None] for stage in stages]
            found: FloatArray = self._network.map_contact(tensors)[0].cpu().numpy()
            return found


def prepared_model(folder: Path, precision: str) -> Afformer:
    """Load the network of a model folder, ready for inference in a precision."""
    return _prepared(load_model(folder), precision)


def prepared_matching_network(folder: Path, precision: str) -> MatchingNetwork:
    """Load the matching network of a folder, ready for inference in a precision."""
    return _prepared(load_matching_network(folder), precision)


def _prepared(network: AnyNetwork, precision: str) -> AnyNetwork:
    # In a network of timm, a norm may belong to another convolution than the one listed before it.
    if not is_timm(network.configuration.backbone):
        for encoder in network.encoders:
            fold_batch_norms(encoder)
    network.freeze_tables()
    convert_precision(network, precision)
    return network


def _array(tensor: Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (
        (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    )
    return array


@contextmanager
def _exact_inference() -> Iterator[None]:
    """Compute without gradients, and without rounding factors of fp32 to the 10 bits of TF32."""
    matmul = torch.backends.cuda.matmul
    allowed = matmul.allow_tf32
    matmul.allow_tf32 = False
    try:
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        ):
            yield
    finally:
        matmul.allow_tf32 = allowed
