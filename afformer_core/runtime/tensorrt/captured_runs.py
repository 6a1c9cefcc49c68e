# SPDX-License-Identifier: Apache-2.0
"""Computations on the GPU that are captured as CUDA graphs, and the buffers that they read."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from afformer_core.arrays import FloatArray
from afformer_core.runtime.session import Memory

# Libraries allocate memory and choose kernels in the first runs, which a graph cannot capture.
_WARM_UP = 3
# Enough for demonstrations of every length up to this many frames.
_MOST_GRAPHS = 32

Shape = tuple[int, ...]


class CapturedRun:
    """A computation on the GPU, captured once and launched as one, whose outputs are downloaded.

    The object owns the buffers of its outputs, so that their addresses stay valid during its
    lifetime.

    Args:
        stream: CUDA stream in which everything runs.
        run: function that computes in the current stream and returns the tensors on the GPU to
            download; it keeps the tensors that it reads or writes.
        pool: GPU memory pool, from `torch.cuda.graph_pool_handle`. Graphs that run one after the
            other share it, since their outputs are downloaded within the graph.
    """

    def __init__(
        self, stream: torch.cuda.Stream, run: Callable[[], Sequence[Tensor]], pool: Any
    ) -> None:
        self._stream = stream
        self._run = run
        with torch.cuda.stream(stream):
            self._outputs = run()
            self._pinned_outputs = [
                torch.empty(tuple(output.shape), dtype=output.dtype, pin_memory=True)
                for output in self._outputs
            ]
            for _ in range(_WARM_UP):
                self._enqueue()
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # The capture allows other threads of the process to use the GPU meanwhile.
        with torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode='thread_local'
        ):
            self._enqueue()

    def __call__(self) -> list[FloatArray]:
        """Compute, and return the outputs in fp32."""
        with torch.cuda.stream(self._stream):
            self._graph.replay()
        self._stream.synchronize()
        # Copies, since the next run overwrites the buffers.
        return [output.to(torch.float32, copy=True).numpy() for output in self._pinned_outputs]

    def _enqueue(self) -> None:
        self._outputs = self._run()
        for pinned, tensor in zip(self._pinned_outputs, self._outputs, strict=True):
            pinned.copy_(tensor, non_blocking=True)


class CapturedDecoding:
    """Captured graphs that decode an encoded image in any memory.

    The graphs read the memory from buffers; demonstrations and stages of one length share a graph.

    Args:
        stream: CUDA stream in which everything runs.
        largest: shapes of all keys, then of all values, for the maximum number of frames.
        types: their types.
        bind: function that takes buffers of keys and values on the GPU, and returns the decoding
            of their current contents.
    """

    def __init__(
        self,
        stream: torch.cuda.Stream,
        largest: Sequence[Shape],
        types: Sequence[torch.dtype],
        bind: Callable[[Sequence[Tensor]], CapturedRun],
    ) -> None:
        self._stream = stream
        self._bind = bind
        with torch.cuda.stream(stream):
            self._buffers = [
                torch.zeros(math.prod(shape), dtype=kind, device='cuda')
                for shape, kind in zip(largest, types, strict=True)
            ]
        self._held: weakref.ref[Memory] | None = None
        # By the shapes of the memory, the least recently used one first.
        self._bound: OrderedDict[object, CapturedRun] = OrderedDict()

    def __call__(self, memory: Memory) -> list[FloatArray]:
        """Decode the image whose levels the graphs read.

        Raises:
            ValueError: the memory has more frames than the model supports.
        """
        arrays = *memory.keys, *memory.values
        shapes = tuple(array.shape for array in arrays)
        with torch.cuda.stream(self._stream):
            buffers = self._view(shapes)
            if self._held is None or self._held() is not memory:
                for buffer, array in zip(buffers, arrays, strict=True):
                    buffer.copy_(torch.from_numpy(np.ascontiguousarray(array)))
                self._held = weakref.ref(memory)
            if shapes in self._bound:
                self._bound.move_to_end(shapes)
            else:
                # Old graphs are freed first, so that they and the new one never coexist.
                while len(self._bound) >= _MOST_GRAPHS:
                    self._bound.popitem(last=False)
                self._bound[shapes] = self._bind(buffers)
        return self._bound[shapes]()

    def _view(self, shapes: Sequence[Shape]) -> list[Tensor]:
        """Return the buffers as keys and values of some shapes, always at the same addresses."""
        views = []
        for buffer, shape in zip(self._buffers, shapes, strict=True):
            size = math.prod(shape)
            if size > len(buffer):
                raise ValueError(
                    f'the shape of keys or values is {shape}; expected at most {len(buffer)} '
                    "numbers. Memorize at most the model's maximum of frames"
                )
            views.append(buffer[:size].view(shape))
        return views
