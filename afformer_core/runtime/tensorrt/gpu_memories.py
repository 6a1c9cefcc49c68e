# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations on the GPU, and the buffers from which captured graphs read them."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration

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
