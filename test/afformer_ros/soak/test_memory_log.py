# SPDX-License-Identifier: Apache-2.0
"""The table of a process's memory, by which a long test of the node judges."""

from __future__ import annotations

import mmap
import os

import numpy as np

from test.afformer_ros.soak.memory_log import MemoryLog

SIZE = 96_000_000
# Megabytes that Python itself takes and frees meanwhile.
OTHERS = 8.0


class Clock:
    """A clock that is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_memory_is_told_by_minute_and_kind() -> None:
    clock = Clock()
    log = MemoryLog(os.getpid(), 60.0, clock)
    heap = _private(SIZE)
    for clock.now in (1059.0, 1061.0):
        log.follow()
    shared = mmap.mmap(-1, SIZE // 2)
    shared.write(bytes(SIZE // 2))
    clock.now = 1121.0
    log.follow()
    rows = np.array([[float(one) for one in row.split()] for row in log.table().split('\n')[1:]])
    shared.close()
    heap.close()

    minutes, total, anonymous, files, of_shared_memory = rows.T
    assert minutes.tolist() == [0.0, 1.0, 2.0]
    assert np.abs(total - anonymous - files - of_shared_memory).max() < 0.3
    assert abs(anonymous[1] - anonymous[0] - 96.0) < OTHERS
    assert abs(of_shared_memory[2] - of_shared_memory[1] - 48.0) < OTHERS


def test_growth_is_counted_from_the_end_of_the_warm_up() -> None:
    clock, kept = Clock(), []
    log = MemoryLog(os.getpid(), 10.0, clock)
    for clock.now in (1010.0, 1020.0, 1030.0):
        kept.append(_private(SIZE // 2))
        log.follow()
    for warm_up, growth in ((0.0, 144.0), (15.0, 48.0), (30.0, 0.0)):
        assert abs(log.growth(warm_up) / 1e6 - growth) < OTHERS


def _private(size: int) -> mmap.mmap:
    """Memory that no earlier test has used and freed."""
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(bytes(size))
    return memory
