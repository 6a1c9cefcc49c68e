# SPDX-License-Identifier: Apache-2.0
"""A folder of numbered image files as a source of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import FrameFolder, frame_number, stream_frames
from afformer_core.offline.maskahand.sources.frame_selection import window_of
from afformer_core.offline.maskahand.sources.frame_source import FramesFrom, FrameSource

# Seconds. Frames that are farther apart cannot show an action of a hand.
_FARTHEST_APART = 60.0


@dataclass(frozen=True)
class NumberedFrames(FrameSource):
    """A folder of frames, as a `FrameSource`.

    Attributes:
        folder_rate: frame numbers per second: the rate of the video from which they were taken.
    """

    folder_rate: float = field(kw_only=True)

    def __post_init__(self) -> None:
        if not 0 < self.folder_rate < math.inf:
            raise ValueError(f'folder_rate is {self.folder_rate}; expected above 0, and finite')

    def files(self) -> list[Path]:
        """List the images."""
        return FrameFolder(self.path).paths()

    def state(self) -> str:
        """Hash the state of the files, and the rate (see `FrameSource.fingerprint`)."""
        return f'{super().state()} at {self.folder_rate!r}'

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        times = [time for time, _ in self._times()]
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
        return sorted({window_of(time, length) for time, _ in self._times()})

    @contextmanager
    def opened(self) -> Iterator[FramesFrom]:
        """Find the images (see `FrameSource.opened`)."""
        yield lambda start, needed: ((time, partial(_read, path)) for time, path in self._times())

    def _times(self) -> Iterator[tuple[float, Path]]:
        paths = self.files()
        first = frame_number(paths[0])
        for path in paths:
            yield (frame_number(path) - first) / self.folder_rate, path


def _read(path: Path) -> NDArray[np.uint8]:
    return next(stream_frames([path]))
