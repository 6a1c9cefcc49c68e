# SPDX-License-Identifier: Apache-2.0
"""A folder of numbered image files as a source of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.maskahand.sources.fingerprint import content_fingerprint, files_fingerprint
from afformer_core.maskahand.sources.frame_selection import chosen_frames, frames_at, window_of
from afformer_core.maskahand.sources.frame_source import LostFrame, read_frame
from afformer_core.media.frame_folder import FrameFolder, frame_number, stream_frames
from afformer_core.media.video import VideoFrame

# Seconds. Frames that are farther apart show no action of a hand.
_FARTHEST_APART = 60.0


@dataclass(frozen=True)
class NumberedFrames:
    """A folder of frames, as a `FrameSource`.

    Attributes:
        path: path of the folder.
        number_rate: frame numbers per second: the rate of the video that they were taken from.
    """

    path: Path
    number_rate: float

    def __post_init__(self) -> None:
        if not 0 < self.number_rate < math.inf:
            raise ValueError(f'number_rate is {self.number_rate}; expected above 0, and finite')

    @property
    def topic(self) -> str:
        """Empty, since a folder has no topics."""
        return ''

    def fingerprint(self) -> str:
        """Hash the state of the files (see `FrameSource.fingerprint`)."""
        files = files_fingerprint(FrameFolder(self.path).paths())
        return f'{files} at {self.number_rate!r}'

    def content(self) -> str:
        """Hash the content of the files (see `FrameSource.content`)."""
        return content_fingerprint(FrameFolder(self.path).paths(), repr(self.number_rate))

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        times = [time for time, _ in self._timed()]
        apart = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        if apart > _FARTHEST_APART:
            raise VideoError(
                f'frames of {self.path} are {apart:.0f} s apart at {self.number_rate:g} numbers '
                f'per second; expected at most {_FARTHEST_APART:g} s. Give the rate of their '
                'numbers, such as 1e9 for nanoseconds'
            )
        return times[-1] + 1 / self.number_rate

    def windows(self, length: float) -> Sequence[int]:
        """Find the windows with frames (see `FrameSource.windows`)."""
        return sorted({window_of(time, length) for time, _ in self._timed()})

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame | LostFrame]:
        """Yield some of the frames (see `FrameSource.frames`)."""
        for time, path in chosen_frames(self._timed(), rate, start, stop):
            yield read_frame(time, partial(_read, path))

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames of some times (see `FrameSource.at`)."""
        return frames_at(lambda _: self._timed(), _read, times, self.path)

    def _timed(self) -> Iterator[tuple[float, Path]]:
        paths = FrameFolder(self.path).paths()
        first = frame_number(paths[0])
        for path in paths:
            yield (frame_number(path) - first) / self.number_rate, path


def _read(path: Path) -> NDArray[np.uint8]:
    return next(stream_frames([path]))
