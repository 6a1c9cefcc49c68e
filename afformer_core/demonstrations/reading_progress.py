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
    """The progress of a video that is decoded twice: to count frames, and to read some.

    Args:
        progress: called for each frame.

    Attributes:
        duration: duration of the video in seconds; None if it is not known.
    """

    def __init__(self, progress: Progress) -> None:
        self.duration: float | None = None
        self._progress = progress
        self._count = 0
        self._decoded = 0
        self._counting = True

    def decoded(self, time: float | None) -> None:
        """Report a decoded frame, with its seconds after the first one."""
        self._decoded += 1
        if self._counting:
            share = math.nan
            if time is not None and self.duration:
                share = min(1.0, time / self.duration) / 2
            self._progress(self._decoded, share)
        else:
            self._progress(self._count, (1 + min(1.0, self._decoded / self._count)) / 2)

    def counted(self, count: int) -> None:
        """Start the second pass, given the number of frames."""
        self._counting, self._count, self._decoded = False, count, 0
