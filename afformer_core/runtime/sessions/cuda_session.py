# SPDX-License-Identifier: Apache-2.0
"""The session that runs the network with PyTorch on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.precision import fuse_attention
from afformer_core.runtime.session import Memory, Output
from afformer_core.runtime.sessions.captured_graphs import CapturedGraphs
from afformer_core.runtime.sessions.cuda_graph import CapturedGraph, EnqueuedGround
from afformer_core.runtime.sessions.gpu import why_no_gpu
from afformer_core.runtime.sessions.gpu_memories import (
    GpuMemory,
    ResidentMemories,
    StaticMemory,
    most_resident,
)
from afformer_core.runtime.sessions.torch_session import prepared_model

# More frames would use memory that other nodes of the robot need.
_MOST_FRAMES_AT_ONCE = 8


class CudaSession:
    """A network that runs with PyTorch on the GPU, without compilation.

    Recently grounded memories stay on the GPU, and one CUDA graph processes an image.

    Args:
        model: network ready for inference (see `prepared_model`); it moves to the GPU.
    """

    backend = 'cuda'

    def __init__(self, model: Afformer) -> None:
        self._stream: torch.cuda.Stream = torch.cuda.Stream()
        self._dtype = model.encoder.mean.dtype
        configuration = model.configuration
        shapes = configuration.memory_shapes(configuration.maximum_frames)
        with torch.cuda.stream(self._stream):
            self._model = model.to('cuda')
            fuse_attention(self._model)
            static = StaticMemory(shapes, [(self._dtype, self._dtype)] * len(shapes))
        # This closure does not refer to the session, so that the GPU memory is freed with its last
        # user.
        self._ground = CapturedGraphs(
            self._stream,
            ResidentMemories(
                partial(_upload, self._dtype),
                most_resident(configuration, self._dtype.itemsize),
            ),
            static,
            partial(_capture, self._model, self._stream, torch.cuda.graph_pool_handle()),
        )

    @classmethod
    def load(cls, folder: Path, precision: str = 'fp32') -> CudaSession:
        """Load a model folder; `open_session` tests the outputs.

        Raises:
            ModelFolderError: the folder does not contain a valid model, or there is no GPU.
            ValueError: the precision does not suit the model.
        """
        if not torch.cuda.is_available():
            raise ModelFolderError(f"backend 'cuda' needs an NVIDIA GPU: {why_no_gpu()}")
        return cls(prepared_model(folder, precision))

    @torch.inference_mode()
    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        with _exact_products(), torch.cuda.stream(self._stream):
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
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        with _exact_products(), torch.cuda.stream(self._stream):
            on_gpu = torch.from_numpy(features)[None].to('cuda', self._dtype)
            memory = self._model.memorize(on_gpu)
            return Memory(
                tuple(keys[0].float().cpu().numpy() for keys in memory.keys),
                tuple(values[0].float().cpu().numpy() for values in memory.values),
            )

    @torch.inference_mode()
    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory in an image (see `Session.ground`)."""
        return self._ground(image, memory)


def _upload(kind: torch.dtype, memory: Memory) -> GpuMemory:
    def on_gpu(array: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to('cuda', kind)

    return GpuMemory(tuple(map(on_gpu, memory.keys)), tuple(map(on_gpu, memory.values)))


def _capture(
    model: Afformer,
    stream: torch.cuda.Stream,
    pool: Any,
    image: Tensor,
    memory: GpuMemory,
) -> EnqueuedGround:
    batch = VideoMemory.of_tensors(
        [keys[None] for keys in memory.keys],
        [values[None] for values in memory.values],
        model.configuration.memory_sizes,
    )

    def run() -> list[Tensor]:
        return [out[0] for out in model.ground_with_features(image[None], batch)]

    # All images have one shape, so that a search for the fastest kernels pays off.
    with _exact_products(search=True):
        return CapturedGraph(stream, image, run, pool)


@contextmanager
def _exact_products(search: bool = False) -> Iterator[None]:
    """Prevent cuDNN and cuBLAS from rounding factors of fp32 to the 10 bits of TF32.

    Args:
        search: whether cuDNN benchmarks its kernels for each shape and uses the fastest one.
    """
    matmul = torch.backends.cuda.matmul
    allowed = matmul.allow_tf32
    matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=search, allow_tf32=False):
            yield
    finally:
        matmul.allow_tf32 = allowed
