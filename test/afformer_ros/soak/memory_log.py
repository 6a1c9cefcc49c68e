# SPDX-License-Identifier: Apache-2.0
"""Resident memory of a process over time, as a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_MEGABYTE = 10**6


@dataclass(frozen=True)
class Resident:
    """Resident memory at one time.

    Attributes:
        seconds: since the beginning.
        anonymous: heaps and stacks, bytes.
        files: mapped libraries and models, bytes.
        shared: shared memory, which is where Fast DDS keeps messages, bytes.
    """

    seconds: float
    anonymous: int
    files: int
    shared: int

    @property
    def total(self) -> int:
        return self.anonymous + self.files + self.shared


class MemoryLog:
    """Samples of the resident memory of a process, the first of them now.

    Args:
        pid: process.
        period: seconds between two samples.
        clock: seconds, monotonic.
    """

    def __init__(
        self, pid: int, period: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._status = Path(f'/proc/{pid}/status')
        self._period = period
        self._clock = clock
        self._begin = clock()
        self._samples = [self._measure()]

    def follow(self) -> None:
        """Take a sample if it is time for the next one."""
        if self._clock() - self._begin >= len(self._samples) * self._period:
            self._samples.append(self._measure())

    def growth(self, warm_up: float) -> int:
        """Bytes by which the last sample exceeds the first one that is not of the warm-up.

        Args:
            warm_up: seconds.
        """
        first = next(one for one in self._samples if one.seconds >= warm_up)
        return self._samples[-1].total - first.total

    def table(self) -> str:
        """A row for each sample, in megabytes."""
        rows = ['minute  resident  anonymous   files  shared  (MB)']
        for one in self._samples:
            figures = (one.total, one.anonymous, one.files, one.shared)
            total, anonymous, files, shared = (figure / _MEGABYTE for figure in figures)
            rows.append(
                f'{one.seconds / 60:6.1f}  {total:8.1f}  {anonymous:9.1f}  {files:6.1f}  '
                f'{shared:6.1f}'
            )
        return '\n'.join(rows)

    def _measure(self) -> Resident:
        lines = (line.partition(':') for line in self._status.read_text().splitlines())
        fields = {name: text for name, _, text in lines}
        sizes = (
            int(fields[name].split()[0]) * 1024 for name in ('RssAnon', 'RssFile', 'RssShmem')
        )
        return Resident(self._clock() - self._begin, *sizes)
