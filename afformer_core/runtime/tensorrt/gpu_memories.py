# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations on the GPU, and the buffers from which captured graphs read them."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.session import Memory

# The GPU's memory, which a Jetson shares with its CPU, divided by this number is available to
# memories.
_RESIDENT_SHARE = 8
# One image needs at least the memories of all its stages.
_FEWEST_RESIDENT = 4

Shape = tuple[int, ...]


@dataclass(frozen=True)
class GpuMemory:
    """A `Memory` on the GPU.

    Attributes:
        keys: see `Memory`.
        values: see `Memory`.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The keys, then the values."""
        return (*self.keys, *self.values)

    @property
    def shapes(self) -> tuple[tuple[Shape, Shape], ...]:
        """Shapes of keys and values at each image level."""
        return tuple(
            (tuple(keys.shape), tuple(values.shape))
            for keys, values in zip(self.keys, self.values, strict=True)
        )


class StaticMemory:
    """The buffers from which captured graphs read memories of any length.

    Args:
        largest: shapes of keys and values at each image level, for the maximum number of frames.
        kinds: types of keys and values at each level.
    """

    def __init__(
        self,
        largest: Sequence[tuple[Shape, Shape]],
        kinds: Sequence[tuple[torch.dtype, torch.dtype]],
    ) -> None:
        keys, values = zip(*largest, strict=True)
        key_types, value_types = zip(*kinds, strict=True)
        self._keys = tuple(map(_flat, keys, key_types))
        self._values = tuple(map(_flat, values, value_types))
        self._held: weakref.ref[GpuMemory] | None = None

    def view(self, shapes: Sequence[tuple[Shape, Shape]]) -> GpuMemory:
        """Return a view of the buffers as a memory with some shapes, always at the same addresses.

        Raises:
            ValueError: the shapes are larger than the buffers.
        """
        keys, values = zip(*shapes, strict=True)
        return GpuMemory(
            tuple(map(_view, self._keys, keys)), tuple(map(_view, self._values, values))
        )

    def hold(self, memory: GpuMemory) -> None:
        """Copy a memory into the buffers, in the current stream, unless they already contain it.

        Raises:
            ValueError: the memory is larger than the buffers.
        """
        if self._held is not None and self._held() is memory:
            return
        self._held = None
        slot = self.view(memory.shapes)
        for here, there in zip(slot.tensors, memory.tensors, strict=True):
            here.copy_(there, non_blocking=True)
        self._held = weakref.ref(memory)


class ResidentMemories:
    """Recently grounded memories on the GPU, kept as long as they are used elsewhere.

    Args:
        upload: function that copies a memory to the GPU.
        most: maximum number of memories; the least recently used ones are freed.
    """

    def __init__(self, upload: Callable[[Memory], GpuMemory], most: int) -> None:
        self._upload = upload
        self._most = most
        # By identity. A memory may be freed in any thread: each step on the dictionary is atomic.
        self._resident: OrderedDict[int, tuple[weakref.ref[Memory], GpuMemory]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._resident)

    def on_gpu(self, memory: Memory) -> GpuMemory:
        """Return the copy of a memory on the GPU, the same one as long as it stays there."""
        key = id(memory)
        if key in self._resident:
            self._resident.move_to_end(key)
            return self._resident[key][1]
        # Evict before copying, so that both never coexist.
        while len(self._resident) >= self._most:
            self._resident.popitem(last=False)
        there = self._upload(memory)
        resident = self._resident
        self._resident[key] = weakref.ref(memory, lambda _: resident.pop(key, None)), there
        return there


def most_resident(configuration: AfformerConfiguration, bytes_per_number: int) -> int:
    """Count the memories of maximum length that fit into an eighth of the GPU, at least 4."""
    shapes = configuration.memory_shapes(configuration.maximum_frames)
    numbers = sum(math.prod(shape) for level in shapes for shape in level)
    total = torch.cuda.get_device_properties('cuda').total_memory
    return max(_FEWEST_RESIDENT, total // _RESIDENT_SHARE // (numbers * bytes_per_number))


def _flat(shape: Shape, kind: torch.dtype) -> Tensor:
    return torch.zeros(math.prod(shape), dtype=kind, device='cuda')


def _view(flat: Tensor, shape: Shape) -> Tensor:
    size = math.prod(shape)
    if size > len(flat):
        raise ValueError(
            f'the shape of keys or values is {shape}; expected at most {len(flat)} numbers. '
            "Memorize at most the model's maximum of frames"
        )
    return flat[:size].view(shape)
