# SPDX-License-Identifier: Apache-2.0
"""Missing frames of a recording, by cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Periods are counted in milliseconds, so that memory does not grow with the frames.
_RESOLUTION = 1e-3
# A period of this many medians contains a missing frame.
_LEAST_GAP = 1.5


class StampGaps:
    """A counter of missing frames by the gaps between stamps.

    A gap is a period of at least one and a half times the median period. If more than half of the
    frames are missing, the median is too long, and the count is too low.
    """

    def __init__(self) -> None:
        self._periods: Counter[int] = Counter()

    def add(self, period: float) -> None:
        """Add the period from one frame to the next, in seconds, at least 0."""
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


@dataclass
class FrameLosses:
    """Numbers of missing frames of a recording.

    Attributes:
        on_the_way: frames lost by the middleware, according to its reports.
        dropped: frames that arrived while the queue was full.
        unreadable: messages that were not images.
        gaps: gaps between the stamps of frames that arrived.
    """

    on_the_way: int = 0
    dropped: int = 0
    unreadable: int = 0
    gaps: StampGaps = field(default_factory=StampGaps)

    @property
    def total(self) -> int:
        """Number of missing frames: the known ones, or those in the gaps if these are more."""
        return max(self.on_the_way + self.dropped + self.unreadable, self.gaps.missing)

    def told(self, frames: int) -> list[str]:
        """Describe the losses as text; empty if nothing is missing.

        Args:
            frames: number of frames that arrived.
        """
        if not self.total:
            return []
        counts = {
            'were lost on the way': self.on_the_way,
            'were dropped': self.dropped,
            'could not be read': self.unreadable,
        }
        known = [f'{count} frames {what}' for what, count in counts.items() if count]
        return [f'{self.total} of {frames + self.total} frames are missing', *known]
