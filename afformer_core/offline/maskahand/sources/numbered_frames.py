# SPDX-License-Identifier: Apache-2.0
"""A folder of numbered image files, on the disk or at a URL, as a source of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import FrameFolder, frame_number, stream_frames
from afformer_core.media.video import VideoFrame
from afformer_core.offline.maskahand.sources.fingerprint import (
    content_fingerprint,
    files_fingerprint,
)
from afformer_core.offline.maskahand.sources.frame_selection import (
    chosen_frames,
    frames_at,
    window_of,
)
from afformer_core.offline.maskahand.sources.frame_source import LostFrame, read_frame

# Seconds. Frames that are farther apart cannot show an action of a hand.
_FARTHEST_APART = 60.0


@dataclass(frozen=True)
class NumberedFrames:
    """A folder of frames, as a `FrameSource`.

    Attributes:
        path: path of the folder.
        folder_rate: frame numbers per second: the rate of the video from which they were taken.
    """

    path: Path
    folder_rate: float

    def __post_init__(self) -> None:
        if not 0 < self.folder_rate < math.inf:
            raise ValueError(f'folder_rate is {self.folder_rate}; expected above 0, and finite')

    @property
    def topic(self) -> str:
        """Empty, because a folder has no topics."""
        return ''

    def fingerprint(self) -> str:
        """Hash the state of the files (see `FrameSource.fingerprint`)."""
        return f'{files_fingerprint(self._files())} at {self.folder_rate!r}'

    def content(self) -> str:
        """Hash the content of the files (see `FrameSource.content`)."""
        return content_fingerprint(self._files(), repr(self.folder_rate))

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        times = [time for time, _ in self._timed()]
        apart = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        if apart > _FARTHEST_APART:
            raise VideoError(
                f'frames of {self.path} are {apart:.0f} s apart at {self.folder_rate:g} numbers '
                f'per second; expected at most {_FARTHEST_APART:g} s. Give the rate of their '
                'numbers, such as 1e9 for nanoseconds'
            )
        return times[-1] + 1 / self.folder_rate

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
        """Read the frames at some times (see `FrameSource.at`)."""
        return frames_at(lambda _: self._timed(), _read, times, self.path)

    def _timed(self) -> Iterator[tuple[float, Path]]:
        paths = self._files()
        first = frame_number(paths[0])
        for path in paths:
            yield (frame_number(path) - first) / self.folder_rate, path

    def _files(self) -> list[Path]:
        return FrameFolder(self.path).paths()


def _read(path: Path) -> NDArray[np.uint8]:
    return next(stream_frames([path]))
