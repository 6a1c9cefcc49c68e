# SPDX-License-Identifier: Apache-2.0
"""Grounding on a GPU: one captured graph for each shape, into which memories are copied."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from afformer_core.arrays import UInt8Array
from afformer_core.runtime.session import Memory, Output
from afformer_core.runtime.tensorrt.cuda_graph import EnqueuedGround
from afformer_core.runtime.tensorrt.gpu_memories import GpuMemory, ResidentMemories, StaticMemory

# Enough for demonstrations of every length up to this many frames.
_MOST_GRAPHS = 32


class CapturedGraphs:
    """Captured graphs that ground images in any memory.

    Stages and demonstrations of one length share a graph; before it is launched, the memory is
    copied within the GPU to the buffers that the graph reads.

    Args:
        stream: CUDA stream in which everything runs.
        resident: memories on the GPU.
        static: buffers that the graphs read a memory from.
        bind: function that takes buffers of an image, uint8 [h, w, 3], and of a memory on the GPU,
            and returns the grounding of their current contents.
    """

    def __init__(
        self,
        stream: torch.cuda.Stream,
        resident: ResidentMemories,
        static: StaticMemory,
        bind: Callable[[Tensor, GpuMemory], EnqueuedGround],
    ) -> None:
        self._stream = stream
        self._resident = resident
        self._static = static
        self._bind = bind
        # By the shapes of image and memory, the least recently used one first.
        self._bound: OrderedDict[object, EnqueuedGround] = OrderedDict()

    def __call__(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground an image.

        Raises:
            ValueError: the memory has more frames than the model supports.
        """
        with torch.cuda.stream(self._stream):
            there = self._resident.on_gpu(memory)
            self._static.hold(there)
            ground = self._ground_of(image.shape, there)
        return ground(image)

    def _ground_of(self, image_shape: tuple[int, ...], memory: GpuMemory) -> EnqueuedGround:
        key = image_shape, memory.shapes
        if key in self._bound:
            self._bound.move_to_end(key)
            return self._bound[key]
        # Old graphs are freed first, so that they and the new one never coexist.
        while len(self._bound) >= _MOST_GRAPHS:
            self._bound.popitem(last=False)
        image = torch.zeros(image_shape, dtype=torch.uint8, device='cuda')
        self._bound[key] = self._bind(image, self._static.view(memory.shapes))
        return self._bound[key]
