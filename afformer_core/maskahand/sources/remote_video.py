# SPDX-License-Identifier: Apache-2.0
"""A video file by its URL as a source of frames, read streaming."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.maskahand.sources.fingerprint import samples_fingerprint
from afformer_core.maskahand.sources.frame_selection import chosen_frames, frames_at
from afformer_core.maskahand.sources.urls import RemoteFile, facts_of, url_of
from afformer_core.maskahand.sources.video_file import windows_of
from afformer_core.media.video import VideoFrame, VideoReader
from afformer_core.media.video_frames import upright


@dataclass(frozen=True)
class RemoteVideo:
    """A video file by its URL, as a `FrameSource`.

    Attributes:
        path: path that stands for the URL (see `urls`).
    """

    path: Path

    @property
    def topic(self) -> str:
        """Empty, since a file has no topics."""
        return ''

    @property
    def url(self) -> str:
        """The URL."""
        url = url_of(self.path)
        if url is None:
            raise VideoError(f'{self.path} is no URL; expected one such as s3://bucket/video.mp4')
        return url

    def fingerprint(self) -> str:
        """Hash what the file system tells of the file (see `FrameSource.fingerprint`)."""
        return hashlib.sha256(repr(facts_of(self.url)).encode()).hexdigest()[:16]

    def content(self) -> str:
        """Hash the content of the file (see `FrameSource.content`)."""
        size, _ = facts_of(self.url)
        with RemoteFile(self.url) as file:
            return samples_fingerprint([(file, size)])

    def duration(self) -> float | None:
        """Return the duration in seconds (see `FrameSource.duration`)."""
        with self._reader() as reader:
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
        with self._reader() as reader:
            yield from reader.scan(start)

    def _reader(self) -> VideoReader:
        return VideoReader(self.path, threads=1, file=RemoteFile(self.url))
