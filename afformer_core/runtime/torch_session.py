# SPDX-License-Identifier: Apache-2.0
"""The session that runs the network in PyTorch."""

from __future__ import annotations

from pathlib import Path

import torch

from afformer_core.models.decoder import VideoMemory
from afformer_core.models.folding import fold_frozen_batch_norms
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array
from afformer_core.runtime.weights import load_model


class TorchSession:
    """Runs a model folder in fp32 by PyTorch on the CPU.

    Args:
        folder: the model folder.
        threads: threads for PyTorch's operators in this process; 0 leaves them as they are.

    Raises:
        ModelFolderError: the folder does not hold a sound model.
    """

    backend = 'torch'

    def __init__(self, folder: Path, threads: int = 0) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        self._model = load_model(folder)
        fold_frozen_batch_norms(self._model.encoder)
        self._model.freeze_tables()

    @torch.inference_mode()
    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """See `Session.encode_frames`."""
        return self._model.encode_frames(torch.from_numpy(frames)).numpy()

    @torch.inference_mode()
    def memorize(self, features: FloatArray) -> Memory:
        """See `Session.memorize`."""
        memory = self._model.memorize(torch.from_numpy(features)[None])
        return Memory(
            tuple(keys[0].numpy() for keys in memory.keys),
            tuple(values[0].numpy() for values in memory.values),
        )

    @torch.inference_mode()
    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """See `Session.ground`."""
        batch = VideoMemory(
            tuple(torch.from_numpy(keys)[None] for keys in memory.keys),
            tuple(torch.from_numpy(values)[None] for values in memory.values),
            (None,) * len(memory.keys),
            self._model.configuration.feature_size,
        )
        outputs = self._model.ground_with_features(torch.from_numpy(image)[None], batch)
        return Output(*(output[0].numpy() for output in outputs))
