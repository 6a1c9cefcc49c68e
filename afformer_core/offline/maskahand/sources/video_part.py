# SPDX-License-Identifier: Apache-2.0
"""A part of a video file as a source of frames, such as one of the episodes that share a file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av

from afformer_core.errors import VideoError
from afformer_core.licences import Origin
from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoReader
from afformer_core.offline.maskahand.sources.encoded_video import EncodedVideo, windows_of
from afformer_core.offline.maskahand.sources.fingerprint import (
    content_fingerprint,
    files_fingerprint,
)
from afformer_core.offline.maskahand.sources.video_file import VideoFile

PART_MARK = 't='
# Seconds by which the time of a frame may differ from the start or end of the part.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class VideoPart(EncodedVideo):
    """A part of a video file, as a `FrameSource`; its first frame is at 0 s.

    Attributes:
        path: path of the file, or of its URL (see `urls`).
        begin, end: seconds from the first frame of the file; the end is not included.
        origin: its dataset, with the licence; None if unknown.
    """

    path: Path
    begin: float
    end: float
    origin: Origin | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end < math.inf:
            raise VideoError(
                f'a part of {self.path} goes from {self.begin:g} s to {self.end:g} s; expected a '
                'start of at least 0 s and a later end'
            )

    @classmethod
    def of_topic(cls, path: Path, topic: str) -> VideoPart:
        """Return the part that a topic names.

        Raises:
            VideoError: the topic does not name a part.
        """
        try:
            begin, end = map(float, topic.removeprefix(PART_MARK).split(','))
        except ValueError as error:
            raise VideoError(f'{topic!r} of {path} is no part; expected t=BEGIN,END') from error
        return cls(path, begin, end)

    @property
    def topic(self) -> str:
        """The part, as `t=BEGIN,END`."""
        return f'{PART_MARK}{self.begin!r},{self.end!r}'

    @property
    def full_path(self) -> Path:
        """Path of the file, for errors."""
        return self.path

    def open_reader(self) -> VideoReader:
        """Open the file for decoding by one thread."""
        return VideoFile(self.path).open_reader()

    def fingerprint(self) -> str:
        """Hash the state of the file (see `FrameSource.fingerprint`)."""
        return files_fingerprint([self.path])

    def content(self) -> str:
        """Hash the content of the file, and the part (see `FrameSource.content`)."""
        return content_fingerprint([self.path], self.topic)

    def duration(self) -> float | None:
        """Return the duration of the part in seconds (see `FrameSource.duration`)."""
        with self.open_reader():
            return self.end - self.begin

    def windows(self, length: float) -> Sequence[int]:
        """Return the windows of the part (see `FrameSource.windows`)."""
        return windows_of(self.end - self.begin, length)

    def _from(self, start: float, needed: Needed) -> Iterator[tuple[float, av.VideoFrame | None]]:
        def needed_of_file(*times: float | None) -> bool:
            before, time, after = (
                None if moment is None else moment - self.begin for moment in times
            )
            assert time is not None
            return needed(before, time, after)

        with self.open_reader() as reader:
            for time, frame in reader.scan(self.begin + start, needed_of_file):
                if time >= self.end - _TOLERANCE:
                    return
                if time >= self.begin - _TOLERANCE:
                    yield max(0.0, time - self.begin), frame
