# SPDX-License-Identifier: Apache-2.0
"""Computations on the GPU whose outputs are downloaded, step by step or as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from afformer_core.arrays import FloatArray

# Libraries allocate memory and choose kernels in the first runs, which a graph cannot capture.
_WARM_UP = 3


class EnqueuedRun:
    """A computation on the GPU, step by step.

    The object owns the buffers of its outputs, so that their addresses stay valid during its
    lifetime.

    Args:
        stream: CUDA stream in which everything runs.
        run: function that computes in the current stream and returns the tensors on the GPU to
            download; it keeps the tensors that it reads or writes.
    """

    def __init__(self, stream: torch.cuda.Stream, run: Callable[[], Sequence[Tensor]]) -> None:
        self._stream = stream
        self._run = run
        with torch.cuda.stream(stream):
            self._outputs = run()
        self._pinned_outputs = [
            torch.empty(tuple(output.shape), dtype=output.dtype, pin_memory=True)
            for output in self._outputs
        ]

    def __call__(self) -> list[FloatArray]:
        """Compute, and return the outputs in fp32."""
        with torch.cuda.stream(self._stream):
            self._launch()
        self._stream.synchronize()
        # Copies, since the next run overwrites the buffers.
        return [output.to(torch.float32, copy=True).numpy() for output in self._pinned_outputs]

    def _enqueue(self) -> None:
        self._outputs = self._run()
        for pinned, tensor in zip(self._pinned_outputs, self._outputs, strict=True):
            pinned.copy_(tensor, non_blocking=True)

    def _launch(self) -> None:
        self._enqueue()


class CapturedRun(EnqueuedRun):
    """The same steps, captured once and launched as one.

    Args:
        stream: see `EnqueuedRun`.
        run: see `EnqueuedRun`; it can be captured.
        pool: GPU memory pool, from `torch.cuda.graph_pool_handle`. Graphs that run one after the
            other share it, since their outputs are downloaded within the graph.
    """

    def __init__(
        self, stream: torch.cuda.Stream, run: Callable[[], Sequence[Tensor]], pool: Any
    ) -> None:
        super().__init__(stream, run)
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._enqueue()
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # The capture allows other threads of the process to use the GPU meanwhile.
        with torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode='thread_local'
        ):
            self._enqueue()

    def _launch(self) -> None:
        self._graph.replay()
