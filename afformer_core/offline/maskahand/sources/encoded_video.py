# SPDX-License-Identifier: Apache-2.0
"""A video file as a source of frames, independent of its location."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoFrame, VideoReader
from afformer_core.media.video_frames import upright
from afformer_core.offline.maskahand.sources.frame_selection import (
    chosen_frames,
    frames_at,
    may_be_at,
    may_be_chosen,
)

# Seconds: 30 days. A damaged header may say centuries, which must not be divided into windows.
_LONGEST = 30 * 24 * 3600.0


def windows_of(duration: float | None, length: float) -> Sequence[int]:
    """Return the windows of a duration in seconds, or one if it is unknown or implausible."""
    if duration is None or duration > _LONGEST:
        return [0]
    return range(max(1, math.ceil(duration / length)))


class EncodedVideo(ABC):
    """The part of a `FrameSource` that all video files share."""

    @property
    @abstractmethod
    def full_path(self) -> Path:
        """Path of the video, for errors."""

    @abstractmethod
    def open_reader(self) -> VideoReader:
        """Open the video for decoding by one thread, because processes share the cores."""

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        with self.open_reader() as reader:
            return reader.duration

    def windows(self, length: float) -> Sequence[int]:
        """Return the windows of the stored duration (see `FrameSource.windows`)."""
        return windows_of(self.duration(), length)

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame]:
        """Yield some of the frames (see `FrameSource.frames`)."""
        decoded = self._from(start, partial(may_be_chosen, rate))
        for time, frame in chosen_frames(decoded, rate, start, stop):
            # A skipped frame may become the selected one if its neighbour cannot be decoded.
            yield VideoFrame(time, self.at([time])[0] if frame is None else upright(frame))

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames at some times (see `FrameSource.at`)."""
        needed = partial(may_be_at, sorted(times))
        return frames_at(partial(self._from, needed=needed), _image_of, times, self.full_path)

    def _from(self, start: float, needed: Needed) -> Iterator[tuple[float, av.VideoFrame | None]]:
        with self.open_reader() as reader:
            yield from reader.scan(start, needed)


def _image_of(frame: av.VideoFrame | None) -> NDArray[np.uint8]:
    """Convert a decoded frame that was not skipped (see `upright`)."""
    assert frame is not None
    return upright(frame)
