# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations at rest, in a third of the space that a session needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.runtime.session import Memory

Size = tuple[int, int]
HalfArray = NDArray[np.floating[Any]]
"""float16, or float32 if a number exceeds half precision."""


@dataclass(frozen=True, eq=False)
class CompactMemory:
    """The memory of a demonstration in half precision, without the positions in its keys.

    The last `height + width` numbers of each key of an attention with relative positions encode
    its row and column, which are the same for every demonstration.

    Attributes:
        keys: one array for each image level, [heads, M_level, D].
        values: the same, [heads, M_level, D].
        sizes: (height, width) of the grid whose positions are left out at each level; None if the
            keys have no positions.
    """

    keys: tuple[HalfArray, ...]
    values: tuple[HalfArray, ...]
    sizes: tuple[Size | None, ...]

    @classmethod
    def of(cls, memory: Memory, sizes: Sequence[Size]) -> CompactMemory:
        """Compact the memory of a session.

        Args:
            memory: the memory, of NumPy arrays.
            sizes: (height, width) of the grid in a frame at each level.
        """
        left_out = tuple(
            size if keys.shape[-1] == values.shape[-1] + sum(size) else None
            for keys, values, size in zip(memory.keys, memory.values, sizes, strict=True)
        )
        keys = [
            array if size is None else array[..., : -sum(size)]
            for array, size in zip(memory.keys, left_out, strict=True)
        ]
        return cls(tuple(map(_halved, keys)), tuple(map(_halved, memory.values)), left_out)

    def expanded(self) -> Memory:
        """Return the memory as a session decodes it, in float32."""
        keys = [
            _with_positions(array, size) for array, size in zip(self.keys, self.sizes, strict=True)
        ]
        return Memory(tuple(keys), tuple(array.astype(np.float32) for array in self.values))


def _halved(array: NDArray[Any]) -> HalfArray:
    """Return a copy in half precision if that can represent every number, or in float32."""
    with np.errstate(over='ignore'):
        half = array.astype(np.float16)
    fits = np.isfinite(half).all() or not np.isfinite(array).all()
    return half if fits else array.astype(np.float32)


def _with_positions(keys: HalfArray, size: Size | None) -> NDArray[np.float32]:
    if size is None:
        return keys.astype(np.float32)
    heads, count, depth = keys.shape
    height, width = size
    whole = np.zeros((heads, count, depth + height + width), np.float32)
    whole[..., :depth] = keys
    positions = np.arange(count) % (height * width)
    whole[:, np.arange(count), depth + positions // width] = 1
    whole[:, np.arange(count), depth + height + positions % width] = 1
    return whole
