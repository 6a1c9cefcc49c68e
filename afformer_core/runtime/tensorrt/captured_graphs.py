# SPDX-License-Identifier: Apache-2.0
"""Decoding on a GPU: one captured graph for each shape, into which memories are copied."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch

from afformer_core.arrays import FloatArray
from afformer_core.runtime.memories.recent_copies import RecentCopies
from afformer_core.runtime.session import Memory
from afformer_core.runtime.tensorrt.cuda_graph import EnqueuedRun
from afformer_core.runtime.tensorrt.gpu_memories import GpuMemory, StaticMemory

# Enough for demonstrations of every length up to this many frames.
_MOST_GRAPHS = 32


class CapturedGraphs:
    """Captured graphs that decode an encoded image in any memory.

    Stages and demonstrations of one length share a graph; before it is launched, the memory is
    copied within the GPU to the buffers that the graph reads.

    Args:
        stream: CUDA stream in which everything runs.
        resident: memories on the GPU.
        static: buffers that the graphs read a memory from.
        bind: function that takes buffers of a memory on the GPU, and returns the decoding of their
            current contents.
    """

    def __init__(
        self,
        stream: torch.cuda.Stream,
        resident: RecentCopies[Memory, GpuMemory],
        static: StaticMemory,
        bind: Callable[[GpuMemory], EnqueuedRun],
    ) -> None:
        self._stream = stream
        self._resident = resident
        self._static = static
        self._bind = bind
        # By the shapes of the memory, the least recently used one first.
        self._bound: OrderedDict[object, EnqueuedRun] = OrderedDict()

    def __call__(self, memory: Memory) -> list[FloatArray]:
        """Decode the image whose levels the graphs read.

        Raises:
            ValueError: the memory has more frames than the model supports.
        """
        with torch.cuda.stream(self._stream):
            there = self._resident.of(memory)
            self._static.hold(there)
            decode = self._decode_of(there)
        return decode()

    def _decode_of(self, memory: GpuMemory) -> EnqueuedRun:
        key = memory.shapes
        if key in self._bound:
            self._bound.move_to_end(key)
            return self._bound[key]
        # Old graphs are freed first, so that they and the new one never coexist.
        while len(self._bound) >= _MOST_GRAPHS:
            self._bound.popitem(last=False)
        self._bound[key] = self._bind(self._static.view(key))
        return self._bound[key]
