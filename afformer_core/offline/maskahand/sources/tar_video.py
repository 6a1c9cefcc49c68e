# SPDX-License-Identifier: Apache-2.0
"""Videos in the tar files of WebDataset as sources of frames.

A tar on the disk or at a URL is never unpacked; its videos are read in place.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.media.video import VideoReader
from afformer_core.offline.maskahand.sources.encoded_video import EncodedVideo
from afformer_core.offline.maskahand.sources.fingerprint import (
    files_fingerprint,
    samples_fingerprint,
)
from afformer_core.offline.maskahand.sources.urls import address, open_file

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
