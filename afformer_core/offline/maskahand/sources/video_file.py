# SPDX-License-Identifier: Apache-2.0
"""Video files, their parts, and those in tars of WebDataset, on the disk or at a URL.

A tar is never unpacked; its videos are read in place.
"""

from __future__ import annotations

import hashlib
import io
import math
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoReader
from afformer_core.media.video_frames import upright
from afformer_core.offline.maskahand.sources.frame_source import Decode, FramesFrom, FrameSource
from afformer_core.offline.maskahand.sources.urls import (
    RemoteFile,
    address,
    open_file,
    state_of,
    url_of,
)

# Seconds: 30 days. A damaged header may say centuries, which must not be divided into windows.
_LONGEST = 30 * 24 * 3600.0


class VideoFile(FrameSource):
    """A video file, as a `FrameSource`; at a URL (see `urls`) it is read streaming."""

    def open_reader(self) -> VideoReader:
        """Open the video for decoding by one thread, because processes share the cores."""
        url = url_of(self.path)
        return VideoReader(self.path, threads=1, file=None if url is None else RemoteFile(url))

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

    @contextmanager
    def opened(self) -> Iterator[FramesFrom]:
        """Open the file (see `FrameSource.opened`)."""
        with self.open_reader() as reader:
            yield partial(self._timed, reader)

    def _timed(
        self, reader: VideoReader, start: float, needed: Needed
    ) -> Iterator[tuple[float, Decode]]:
        for time, frame in reader.scan(start, needed):
            yield time, partial(self._image, time, frame)

    def _image(self, time: float, frame: av.VideoFrame | None) -> NDArray[np.uint8]:
        # A skipped frame may become the selected one if its neighbour cannot be decoded.
        return replace(self, lens=None).at([time])[0] if frame is None else upright(frame)


PART_MARK = 't='
# Seconds by which the time of a frame may differ from the start or end of the part.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class VideoPart(VideoFile):
    """A part of a video file, such as one of the episodes that share it, as a `FrameSource`.

    Its topic is `t=BEGIN,END`, in seconds from the first frame of the file; the end is not
    included. Its first frame is at 0 s.
    """

    def __post_init__(self) -> None:
        begin, end = self._span
        if not 0 <= begin < end < math.inf:
            raise VideoError(
                f'a part of {self.path} goes from {begin:g} s to {end:g} s; expected a start of '
                'at least 0 s and a later end'
            )

    @property
    def _span(self) -> tuple[float, float]:
        try:
            begin, end = map(float, self.topic.removeprefix(PART_MARK).split(','))
        except ValueError as error:
            told = f'{self.topic!r} of {self.path} is no part; expected t=BEGIN,END'
            raise VideoError(told) from error
        return begin, end

    def duration(self) -> float | None:
        """Return the duration of the part in seconds (see `FrameSource.duration`)."""
        begin, end = self._span
        with self.open_reader():
            return end - begin

    def _timed(
        self, reader: VideoReader, start: float, needed: Needed
    ) -> Iterator[tuple[float, Decode]]:
        begin, end = self._span

        def needed_of_file(*times: float | None) -> bool:
            before, time, after = (None if moment is None else moment - begin for moment in times)
            assert time is not None
            return needed(before, time, after)

        for seconds, frame in reader.scan(begin + start, needed_of_file):
            if seconds >= end - _TOLERANCE:
                return
            if seconds >= begin - _TOLERANCE:
                time = max(0.0, seconds - begin)
                yield time, partial(self._image, time, frame)


TAR_SUFFIX = '.tar'
# Bytes of a block in which a remote tar is searched for its files; most blocks are skipped.
_HEADER_BLOCK = 1 << 16


class TarVideo(VideoFile):
    """A video file in a tar, whose topic is its name there, as a `FrameSource`."""

    def state(self) -> str:
        """Hash the state of the tar, and the position of the video in it (see `FrameSource`)."""
        video = _member(self.path, self.topic)
        facts = (super().state(), self.topic, (video.offset_data, video.size))
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def open_reader(self) -> VideoReader:
        """Open the video for decoding by one thread."""
        member = _member(self.path, self.topic)
        file = open_file(self.path)
        # A tar may begin at any of its headers.
        file.seek(member.offset)
        with tarfile.open(fileobj=file, mode='r:') as tar:
            video = cast(io.RawIOBase, tar.extractfile(member))
        return VideoReader(self.path / self.topic, threads=1, file=video)


def tar_names(path: Path) -> tuple[list[str], str]:
    """List the whole files of a tar.

    Returns:
        their names; and a problem of the tar, after which files are not listed.

    Raises:
        OSError, VideoError: the tar cannot be read.
    """
    found, damage = _files(path, state_of([path]))
    return list(found), damage


def _member(path: Path, name: str) -> tarfile.TarInfo:
    found, damage = _files(path, state_of([path]))
    if name not in found:
        raise VideoError(f'{address(path)} has no file {name}{damage and f": {damage}"}')
    return found[name]


@lru_cache(maxsize=256)
def _files(path: Path, state: str) -> tuple[Mapping[str, tarfile.TarInfo], str]:
    found: dict[str, tarfile.TarInfo] = {}
    with open_file(path, _HEADER_BLOCK) as file:
        try:
            with tarfile.open(fileobj=file, mode='r:') as tar:
                found.update((member.name, member) for member in tar if member.isfile())
        except tarfile.TarError as error:
            end = file.seek(0, io.SEEK_END)
            whole = {
                name: member
                for name, member in found.items()
                if member.offset_data + member.size <= end
            }
            return whole, f'the tar is damaged or truncated after {len(whole)} files: {error}'
    return found, ''
