# SPDX-License-Identifier: Apache-2.0
"""An allocator that poisons what is freed and hands it out again, the newest first."""

from __future__ import annotations

import weakref
from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

# NaN as a float of any width, -1 as an integer.
POISON = 0xFF
_SMALLEST = 512


class Pool:
    """Blocks that were freed and that only the owners of the pool are given, by size."""

    def __init__(self) -> None:
        self.free: dict[int, list[int]] = defaultdict(list)
        self.graphs = 0


class Allocator:
    """Hands out blocks of one arena as tensors; a block is free when no tensor of it is left.

    Args:
        size: bytes of the arena.
    """

    def __init__(self, size: int) -> None:
        self._arena = np.zeros(size, np.uint8)
        self._typed: dict[torch.dtype, Tensor] = {}
        self._begin = self._arena.ctypes.data
        self._top = 0
        self.general = Pool()
        self.allocated = 0

    def new(self, shape: tuple[int, ...], dtype: torch.dtype, pool: Pool | None = None) -> Tensor:
        """A poisoned tensor."""
        count = int(np.prod(shape, dtype=np.int64))
        size = count * dtype.itemsize
        block = max(_SMALLEST, 1 << max(size - 1, 0).bit_length())
        pool = pool or self.general
        start = self._start(block, pool)
        array = self._arena[start : start + block]
        array.fill(POISON)
        weakref.finalize(array, self._release, start, block, pool).atexit = False
        self.allocated += block
        return torch.from_numpy(array)[:size].view(dtype).view(shape)

    def owns(self, tensor: Tensor) -> bool:
        """Whether a tensor lies in the arena."""
        offset = tensor.untyped_storage().data_ptr() - self._begin
        return 0 <= offset < len(self._arena)

    def at(
        self, address: int, dtype: torch.dtype, size: tuple[int, ...], stride: tuple[int, ...]
    ) -> Tensor:
        """What stands at an address, whoever owns it."""
        if dtype not in self._typed:
            self._typed[dtype] = torch.from_numpy(self._arena).view(dtype)
        offset = (address - self._begin) // dtype.itemsize
        return torch.as_strided(self._typed[dtype], size, stride, offset)

    def give_up(self, pool: Pool) -> None:
        """Let everybody have the free blocks of a pool."""
        for block, starts in pool.free.items():
            self.general.free[block].extend(starts)
        pool.free = self.general.free

    def _start(self, block: int, pool: Pool) -> int:
        if pool.free[block]:
            return pool.free[block].pop()
        start = self._top
        if start + block > len(self._arena):
            raise torch.OutOfMemoryError('CUDA out of memory')
        self._top += block
        return start

    def _release(self, start: int, block: int, pool: Pool) -> None:
        self._arena[start : start + block] = POISON
        self.allocated -= block
        pool.free[block].append(start)
