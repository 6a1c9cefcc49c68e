# SPDX-License-Identifier: Apache-2.0
"""Count of missing frames by the stamps of those that arrived."""

from __future__ import annotations

from collections import Counter

# Periods are counted in milliseconds, so that memory does not grow with the frames.
_RESOLUTION = 1e-3
# A period of this many medians has room for a missing frame.
_LEAST_GAP = 1.5


class StampGaps:
    """Counter of the frames that the gaps between stamps have room for.

    A gap is a period of at least one and a half times the median period. If more than half of the
    frames are missing, the median is too long, and too few are counted.
    """

    def __init__(self) -> None:
        self._periods: Counter[int] = Counter()

    def add(self, period: float) -> None:
        """Count the seconds from one frame to the next, at least 0."""
        self._periods[round(period / _RESOLUTION)] += 1

    @property
    def missing(self) -> int:
        """Number of missing frames so far."""
        median = self._median()
        if median == 0:
            return 0
        gaps = [period for period in self._periods if period >= _LEAST_GAP * median]
        return sum(self._periods[gap] * (round(gap / median) - 1) for gap in gaps)

    def _median(self) -> int:
        """Return the lower median of the periods, milliseconds; 0 if there is none."""
        left = (self._periods.total() + 1) // 2
        for period in sorted(self._periods):
            left -= self._periods[period]
            if left <= 0:
                return period
        return 0
