# SPDX-License-Identifier: Apache-2.0
"""Progress of reading the frames of a demonstration from a file."""

from __future__ import annotations

import math
from collections.abc import Callable

# Called with the number of frames read so far, and with the share of the file, 0 to 1, or NaN if
# unknown. An error that it raises ends the reading.
Progress = Callable[[int, float], None]


def untold(frames: int, share: float) -> None:
    """Ignore the progress."""


class VideoProgress:
    """The progress of a video whose frames are read, and counted before if necessary.

    Args:
        progress: called for each frame.

    Attributes:
        duration: duration of the video in seconds; None if it is not known.
    """

    def __init__(self, progress: Progress) -> None:
        self.duration: float | None = None
        self._progress = progress
        self._decoded = 0
        # None while the frames are counted.
        self._count: int | None = None
        # Share of the work that counting is.
        self._counting = 0.0

    def decoded(self, time: float | None) -> None:
        """Report a decoded frame, with its seconds after the first one."""
        self._decoded += 1
        if self._count is None:
            share = math.nan
            if time is not None and self.duration:
                share = min(1.0, time / self.duration)
            self._progress(self._decoded, self._counting * share)
            return
        frames = self._count if self._counting else min(self._decoded, self._count)
        share = min(1.0, self._decoded / self._count)
        self._progress(frames, self._counting + (1 - self._counting) * share)

    def counting(self) -> None:
        """Start counting the frames by decoding them, which takes half of the time."""
        self._counting, self._count, self._decoded = 0.5, None, 0

    def counted(self, count: int) -> None:
        """Start reading the frames, given their number."""
        self._count, self._decoded = count, 0
