# SPDX-License-Identifier: Apache-2.0
"""A video file as a source of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from afformer_core.maskahand.sources.fingerprint import content_fingerprint, files_fingerprint
from afformer_core.maskahand.sources.frame_selection import chosen_frames, frames_at
from afformer_core.media.video import VideoFrame, VideoReader
from afformer_core.media.video_frames import upright

# Seconds: 30 days. A damaged header may say centuries, which must not be divided into windows.
_LONGEST = 30 * 24 * 3600.0


def windows_of(duration: float | None, length: float) -> Sequence[int]:
    """Return the windows of a duration in seconds, or one of all if it is unknown or absurd."""
    if duration is None or duration > _LONGEST:
        return [0]
    return range(max(1, math.ceil(duration / length)))


@dataclass(frozen=True)
class VideoFile:
    """A video file, as a `FrameSource`."""

    path: Path

    @property
    def topic(self) -> str:
        """Empty, since a file has no topics."""
        return ''

    def fingerprint(self) -> str:
        """Hash the state of the file (see `FrameSource.fingerprint`)."""
        return files_fingerprint([self.path])

    def content(self) -> str:
        """Hash the content of the file (see `FrameSource.content`)."""
        return content_fingerprint([self.path])

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        with VideoReader(self.path) as reader:
            return reader.duration

    def windows(self, length: float) -> Sequence[int]:
        """Return the windows of the stored duration (see `FrameSource.windows`)."""
        return windows_of(self.duration(), length)

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame]:
        """Yield some of the frames (see `FrameSource.frames`)."""
        for time, frame in chosen_frames(self._from(start), rate, start, stop):
            yield VideoFrame(time, upright(frame))

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames of some times (see `FrameSource.at`)."""
        return frames_at(self._from, upright, times, self.path)

    def _from(self, start: float) -> Iterator[tuple[float, av.VideoFrame]]:
        # Processes share the cores; more threads in each would only take memory.
        with VideoReader(self.path, threads=1) as reader:
            yield from reader.scan(start)
