# SPDX-License-Identifier: Apache-2.0
"""Video files, their parts, and those in tars of WebDataset, on the disk or at a URL.

A tar is never unpacked; its videos are read in place.
"""

from __future__ import annotations

import hashlib
import io
import math
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.licences import Origin
from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoFrame, VideoReader
from afformer_core.media.video_frames import upright
from afformer_core.offline.maskahand.sources.fingerprint import (
    content_fingerprint,
    files_fingerprint,
    samples_fingerprint,
)
from afformer_core.offline.maskahand.sources.frame_selection import (
    chosen_frames,
    frames_at,
    may_be_at,
    may_be_chosen,
)
from afformer_core.offline.maskahand.sources.urls import RemoteFile, address, open_file, url_of

# Seconds: 30 days. A damaged header may say centuries, which must not be divided into windows.
_LONGEST = 30 * 24 * 3600.0


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
        """Return the windows of the stored duration, or one if it is implausible."""
        duration = self.duration()
        if duration is None or duration > _LONGEST:
            return [0]
        return range(max(1, math.ceil(duration / length)))

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


@dataclass(frozen=True)
class VideoFile(EncodedVideo):
    """A video file, as a `FrameSource`; at a URL it is read streaming.

    Attributes:
        path: path of the file, or of its URL (see `urls`).
    """

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

    @property
    def full_path(self) -> Path:
        """Path of the video, for errors."""
        return self.path

    def open_reader(self) -> VideoReader:
        """Open the video for decoding by one thread."""
        url = url_of(self.path)
        return VideoReader(self.path, threads=1, file=None if url is None else RemoteFile(url))


PART_MARK = 't='
# Seconds by which the time of a frame may differ from the start or end of the part.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class VideoPart(VideoFile):
    """A part of a video file, such as one of the episodes that share it, as a `FrameSource`.

    Its first frame is at 0 s.

    Attributes:
        begin, end: seconds from the first frame of the file; the end is not included.
        origin: its dataset, with the licence; None if unknown.
    """

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

    def content(self) -> str:
        """Hash the content of the file, and the part (see `FrameSource.content`)."""
        return content_fingerprint([self.path], self.topic)

    def duration(self) -> float | None:
        """Return the duration of the part in seconds (see `FrameSource.duration`)."""
        with self.open_reader():
            return self.end - self.begin

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


TAR_SUFFIX = '.tar'
# Bytes of a block in which a remote tar is searched for its files; most blocks are skipped.
_HEADER_BLOCK = 1 << 16


@dataclass(frozen=True)
class TarVideo(EncodedVideo):
    """A video file in a tar, as a `FrameSource`.

    Attributes:
        path: path of the tar, or of its URL (see `urls`).
        topic: name of the video in it.
    """

    path: Path
    topic: str

    def fingerprint(self) -> str:
        """Hash the state of the tar, and the position of the video in it (see `FrameSource`)."""
        facts = (_state(self.path), self.topic, _video_at(self.path, self.topic))
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def content(self) -> str:
        """Hash the content of the video (see `FrameSource.content`)."""
        _, size = _video_at(self.path, self.topic)
        with self._file() as file:
            return samples_fingerprint([(file, size)])

    @property
    def full_path(self) -> Path:
        """Path of the video, for errors."""
        return self.path / self.topic

    def open_reader(self) -> VideoReader:
        """Open the video for decoding by one thread."""
        return VideoReader(self.full_path, threads=1, file=self._file())

    def _file(self) -> _Slice:
        return _Slice(open_file(self.path), *_video_at(self.path, self.topic))


def tar_names(path: Path) -> tuple[list[str], str]:
    """List the files of a tar.

    Returns:
        their names; and a problem of the tar, after which files are not listed.

    Raises:
        OSError, VideoError: the tar cannot be read.
    """
    found, damage = _files(path, _state(path))
    return list(found), damage


class _Slice(io.RawIOBase):
    """A part of an opened file, as a file."""

    def __init__(self, file: io.RawIOBase | io.BufferedReader, offset: int, size: int) -> None:
        super().__init__()
        self._file, self._offset, self._size = file, offset, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        self._file.seek(self._offset + self._position)
        content = self._file.read(left if size < 0 else min(size, left)) or b''
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _video_at(path: Path, name: str) -> tuple[int, int]:
    """Return the offset and the size of a video in a tar, in bytes."""
    found, damage = _files(path, _state(path))
    if name not in found:
        raise VideoError(f'{address(path)} has no file {name}{damage and f": {damage}"}')
    return found[name]


def _state(path: Path) -> str:
    return files_fingerprint([path])


@lru_cache(maxsize=256)
def _files(path: Path, state: str) -> tuple[Mapping[str, tuple[int, int]], str]:
    found: dict[str, tuple[int, int]] = {}
    with open_file(path, _HEADER_BLOCK) as file:
        try:
            with tarfile.open(fileobj=file, mode='r:') as tar:
                for member in tar:
                    if member.isfile():
                        found[member.name] = (member.offset_data, member.size)
        except tarfile.TarError as error:
            return found, f'the tar is damaged or truncated after {len(found)} files: {error}'
    return found, ''
