# SPDX-License-Identifier: Apache-2.0
"""The interface of sources of frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.media.video import VideoFrame


@dataclass(frozen=True)
class LostFrame:
    """A frame that cannot be read, though later ones may be.

    Attributes:
        time: seconds from the video's first frame.
        reason: one sentence.
    """

    time: float
    reason: str


def read_frame(time: float, read: Callable[[], NDArray[np.uint8]]) -> VideoFrame | LostFrame:
    """Read the frame of a time; if `read` fails, return a lost frame with the reason."""
    try:
        return VideoFrame(time, read())
    except AfformerError as error:
        return LostFrame(time, str(error))


class FrameSource(Protocol):
    """A long video. It keeps no files open, so it can be sent to another process.

    Seconds are counted from the first frame, rounded to a millionth, and increase from frame to
    frame.
    """

    @property
    def path(self) -> Path:
        """Path of the file, the folder of frames, the bag, or the tar."""

    @property
    def topic(self) -> str:
        """Name within the path; empty if the path is sufficient.

        It is the topic in a bag, the name of a video in a tar, or `t=BEGIN,END` for a part of a
        video.
        """

    def fingerprint(self) -> str:
        """Return a text that changes when a file is added, removed, or changed.

        Raises:
            OSError: a file no longer exists.
        """

    def content(self) -> str:
        """Return a text that is equal for videos with the same content at any location.

        Raises:
            OSError: a file no longer exists.
        """

    def duration(self) -> float | None:
        """Estimate the duration in seconds; None if only reading the video would show it.

        Raises:
            AfformerError: the video cannot be read.
        """

    def windows(self, length: float) -> Sequence[int]:
        """Find the numbers k of windows from k * `length` s to (k + 1) * `length` s with frames.

        A pause of any length has no windows. The numbers increase, and there is at least one;
        frames may follow the last window.

        Args:
            length: seconds, above 0.

        Raises:
            AfformerError: the video cannot be read.
        """

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame | LostFrame]:
        """Yield some of the frames, one at a time: those nearest to the times k / `rate`.

        A video with fewer frames than `rate` yields each once. A part yields the same frames as
        the whole video in that time.

        Args:
            rate: frames per second, above 0.
            start: first time, seconds.
            stop: end, seconds; not included.

        Raises:
            AfformerError: while iterating: the video, or the rest of it, cannot be read.
        """

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames at some times that `frames` yielded, in any order.

        Returns:
            uint8 [N, H, W, 3] RGB.

        Raises:
            AfformerError: the video cannot be read, or has no frame at one of the times.
        """
