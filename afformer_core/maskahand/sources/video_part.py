# SPDX-License-Identifier: Apache-2.0
"""A part of a video file as a source of frames, such as one of the episodes that share a file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.maskahand.sources.encoded_video import image_of, windows_of
from afformer_core.maskahand.sources.fingerprint import content_fingerprint, files_fingerprint
from afformer_core.maskahand.sources.frame_selection import (
    chosen_frames,
    frames_at,
    may_be_at,
    may_be_chosen,
)
from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoFrame, VideoReader
from afformer_core.media.video_frames import upright

PART_MARK = 't='
# Seconds by which the time of a frame may differ from that of the part's begin or end.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class VideoPart:
    """A part of a video file, as a `FrameSource`; its first frame is at 0 s.

    Attributes:
        path: path of the file.
        begin, end: seconds from the first frame of the file; the end is not included.
    """

    path: Path
    begin: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end < math.inf:
            raise VideoError(
                f'a part of {self.path} goes from {self.begin:g} s to {self.end:g} s; expected a '
                'begin of at least 0 s and a later end'
            )

    @classmethod
    def of_topic(cls, path: Path, topic: str) -> VideoPart:
        """Return the part that a topic names.

        Raises:
            VideoError: it names none.
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

    def fingerprint(self) -> str:
        """Hash the state of the file (see `FrameSource.fingerprint`)."""
        return files_fingerprint([self.path])

    def content(self) -> str:
        """Hash the content of the file, and the part (see `FrameSource.content`)."""
        return content_fingerprint([self.path], self.topic)

    def duration(self) -> float | None:
        """Return the duration of the part in seconds (see `FrameSource.duration`)."""
        with VideoReader(self.path):
            return self.end - self.begin

    def windows(self, length: float) -> Sequence[int]:
        """Return the windows of the part (see `FrameSource.windows`)."""
        return windows_of(self.end - self.begin, length)

    def frames(
        self, rate: float, start: float = 0.0, stop: float = math.inf
    ) -> Iterator[VideoFrame]:
        """Yield some of the frames (see `FrameSource.frames`)."""
        decoded = self._from(start, partial(may_be_chosen, rate))
        for time, frame in chosen_frames(decoded, rate, start, stop):
            # A frame is skipped that is chosen after all where one beside it cannot be decoded.
            yield VideoFrame(time, self.at([time])[0] if frame is None else upright(frame))

    def at(self, times: Sequence[float]) -> NDArray[np.uint8]:
        """Read the frames of some times (see `FrameSource.at`)."""
        needed = partial(may_be_at, sorted(times))
        return frames_at(partial(self._from, needed=needed), image_of, times, self.path)

    def _from(self, start: float, needed: Needed) -> Iterator[tuple[float, av.VideoFrame | None]]:
        def needed_of_file(*times: float | None) -> bool:
            before, time, after = (None if each is None else each - self.begin for each in times)
            assert time is not None
            return needed(before, time, after)

        with VideoReader(self.path, threads=1) as reader:
            for time, frame in reader.scan(self.begin + start, needed_of_file):
                if time >= self.end - _TOLERANCE:
                    return
                if time >= self.begin - _TOLERANCE:
                    yield max(0.0, time - self.begin), frame
