# SPDX-License-Identifier: Apache-2.0
"""Rosbag2s at a URL, read streaming."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from afformer_core.media.bag import Bag
from afformer_core.offline.maskahand.sources.urls import (
    RemoteFile,
    address,
    facts_of,
    files_in,
    url_of,
)

if TYPE_CHECKING:
    from rosbags.interfaces.typing import RPath

MCAP_SUFFIX = '.mcap'
# Files within the folder of a bag, and outside of one.
_FILE_SUFFIXES = (MCAP_SUFFIX, '.db3', '.zstd', '.yaml')
# Bytes of a block; several blocks are kept, because indexes and data lie apart.
_BLOCK = 1 << 20
_one_at_a_time = threading.RLock()


@contextmanager
def open_bag(path: Path) -> Iterator[Bag]:
    """Open a bag on the disk, or at the URL of a path (see `Bag`).

    Bags at URLs are read one at a time, because rosbags reads all of their databases under one
    name.

    Raises:
        BagError: the bag is missing or damaged.
        VideoError: the URL cannot be reached.
    """
    if url_of(path) is None:
        with Bag(path) as bag:
            yield bag
        return
    with _one_at_a_time, Bag(path, cast('RPath', _RemotePath(path))) as bag:
        yield bag


def bag_files(path: Path) -> list[Path]:
    """List the files of a bag, on the disk or at a URL.

    Raises:
        OSError, VideoError: the bag cannot be read.
    """
    if url_of(path) is None:
        return sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]
    if path.suffix == MCAP_SUFFIX:
        return [path]
    return [path / name for name in sorted(files_in(address(path)))]


@dataclass(frozen=True)
class _RemotePath:
    """The interface of a path that rosbags needs, for a URL."""

    path: Path

    def __str__(self) -> str:
        # It becomes part of the address of a database.
        return quote(str(self.path))

    def __truediv__(self, name: PurePath | str) -> _RemotePath:
        return _RemotePath(self.path / name)

    @property
    def suffix(self) -> str:
        return self.path.suffix

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def name(self) -> str:
        return self.path.name

    def is_dir(self) -> bool:
        return self.suffix not in _FILE_SUFFIXES

    def exists(self) -> bool:
        if not self.is_dir():
            facts_of(address(self.path))
        return True

    def open(self, *_: Any, **__: Any) -> io.RawIOBase:
        return RemoteFile(address(self.path), _BLOCK, 'blockcache')

    def read_text(self, encoding: str | None = None) -> str:
        with self.open() as file:
            return (file.read() or b'').decode(encoding or 'utf-8')

    def stat(self, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(st_size=facts_of(address(self.path))[0])
