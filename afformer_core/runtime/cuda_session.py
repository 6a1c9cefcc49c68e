# SPDX-License-Identifier: Apache-2.0
"""The session that runs the network in PyTorch on an NVIDIA GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from afformer_core.errors import ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.models.memory import VideoMemory
from afformer_core.models.precision import fuse_attention
from afformer_core.runtime.gpu import why_no_gpu
from afformer_core.runtime.recorded_ground import LastRecordedGrounds, RecordedGround
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array
from afformer_core.runtime.torch_session import prepared_model

# More would need memory that the robot's other nodes need.
_MOST_FRAMES_AT_ONCE = 8


class CudaSession:
    """Runs a network by PyTorch on the GPU, nothing to compile before.

    The memories that were grounded lately stay on the GPU, and everything that an image needs
    is one CUDA graph.

    Args:
        model: ready for inference, see `prepared_model`; it moves to the GPU.
    """

    backend = 'cuda'

    def __init__(self, model: Afformer) -> None:
        self._model = model.to('cuda')
        fuse_attention(self._model)
        self._dtype = model.encoder.mean.dtype
        self._stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._ground_last = LastRecordedGrounds(self._record)

    @classmethod
    def load(cls, folder: Path, precision: str = 'fp32') -> CudaSession:
        """Of a model folder.

        Raises:
            ModelFolderError: it does not hold a sound model, or there is no GPU.
            ValueError: the precision does not suit it.
        """
        if not torch.cuda.is_available():
            raise ModelFolderError(f"backend 'cuda' needs an NVIDIA GPU, and {why_no_gpu()}")
        return cls(prepared_model(folder, precision))

    @torch.inference_mode()
    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """See `Session.encode_frames`."""
        parts = [
            self._model.encode_frames(torch.from_numpy(part).to('cuda')).float().cpu().numpy()
            for part in (
                frames[first : first + _MOST_FRAMES_AT_ONCE]
                for first in range(0, len(frames), _MOST_FRAMES_AT_ONCE)
            )
        ]
        return np.concatenate(parts)

    @torch.inference_mode()
    def memorize(self, features: FloatArray) -> Memory:
        """See `Session.memorize`."""
        on_gpu = torch.from_numpy(features)[None].to('cuda', self._dtype)
        memory = self._model.memorize(on_gpu)
        return Memory(
            tuple(keys[0].float().cpu().numpy() for keys in memory.keys),
            tuple(values[0].float().cpu().numpy() for values in memory.values),
        )

    @torch.inference_mode()
    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """See `Session.ground`."""
        return self._ground_last(image, memory)

    def _record(self, image: UInt8Array, memory: Memory) -> RecordedGround:
        batch = VideoMemory(
            tuple(self._on_gpu(keys) for keys in memory.keys),
            tuple(self._on_gpu(values) for values in memory.values),
            (None,) * len(memory.keys),
            self._model.configuration.memory_sizes,
        )
        on_gpu = torch.zeros(image.shape, dtype=torch.uint8, device='cuda')
        # What is still under way in the default stream must not be read before it is done.
        torch.cuda.synchronize()

        def run() -> list[Tensor]:
            return [out[0] for out in self._model.ground_with_features(on_gpu[None], batch)]

        # All images have one shape, for which the fastest kernels are worth a search.
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            return RecordedGround(self._stream, memory, on_gpu, run)

    def _on_gpu(self, array: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array))[None].to('cuda', self._dtype)
