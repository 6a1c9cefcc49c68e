# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations on the GPU, and the buffers that captured graphs read them from."""

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

# A share of the GPU's memory, which a Jetson's processes and its CPU use too.
_RESIDENT_SHARE = 8
# One image is grounded in the memories of several looks at least.
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
        """Of keys and values at each image level."""
        return tuple(
            (tuple(keys.shape), tuple(values.shape))
            for keys, values in zip(self.keys, self.values, strict=True)
        )


class StaticMemory:
    """The buffers that captured graphs read a memory from, one set for memories of all lengths.

    Args:
        largest: shapes of keys and values at each image level, of the most frames.
        kinds: types of the keys and of the values at each level.
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
        """The buffers as a memory of some shapes, at the same addresses each time.

        Raises:
            ValueError: it is larger than the largest.
        """
        keys, values = zip(*shapes, strict=True)
        return GpuMemory(
            tuple(map(_view, self._keys, keys)), tuple(map(_view, self._values, values))
        )

    def hold(self, memory: GpuMemory) -> None:
        """Copy a memory into the buffers, in the current stream, unless it stands there.

        Raises:
            ValueError: it is larger than the largest.
        """
        if self._held is not None and self._held() is memory:
            return
        self._held = None
        place = self.view(memory.shapes)
        for here, there in zip(place.tensors, memory.tensors, strict=True):
            here.copy_(there, non_blocking=True)
        self._held = weakref.ref(memory)


class ResidentMemories:
    """Memories that were grounded lately, on the GPU for as long as somebody else has them.

    Args:
        upload: brings a memory to the GPU.
        most: how many there are at most; those that were not used for longest go.
    """

    def __init__(self, upload: Callable[[Memory], GpuMemory], most: int) -> None:
        self._upload = upload
        self._most = most
        # By identity. A memory may end in any thread: each step on the dictionary is atomic.
        self._resident: OrderedDict[int, tuple[weakref.ref[Memory], GpuMemory]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._resident)

    def on_gpu(self, memory: Memory) -> GpuMemory:
        """Its counterpart on the GPU, the same one as long as it stays there."""
        key = id(memory)
        if key in self._resident:
            self._resident.move_to_end(key)
            return self._resident[key][1]
        # What goes does so first, lest it must fit beside the new one.
        while len(self._resident) >= self._most:
            self._resident.popitem(last=False)
        there = self._upload(memory)
        resident = self._resident
        self._resident[key] = weakref.ref(memory, lambda _: resident.pop(key, None)), there
        return there


def most_resident(configuration: AfformerConfiguration, bytes_per_number: int) -> int:
    """How many memories of the most frames fit into an eighth of the GPU's memory, at least 4."""
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
            f'keys or values of shape {shape} are larger than those of the most frames that the '
            'model takes; memorize at most as many'
        )
    return flat[:size].view(shape)
