# SPDX-License-Identifier: Apache-2.0
"""Files at URLs: in a bucket, on a web server, or on any file system of fsspec.

A URL is kept as a path, whose first part is the scheme with its colon: `s3:/bucket/a.mp4`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError, DatasetError, VideoError

_URL = re.compile(r'([a-z][a-z0-9+.-]+):/+(.*)')
# Bytes of a block, the unit of reading and caching.
_BLOCK = 4 * 1024**2
# Facts of a file that change when it is written again; each file system provides some of them.
_CHANGES = ('ETag', 'etag', 'LastModified', 'Last-Modified', 'mtime', 'created', 'mtimeMs')

_BUCKET_SCHEMES = ('s3', 's3a', 'gs', 'gcs')


def url_of(path: Path) -> str | None:
    """Return the URL of a path; None for a path on this machine."""
    named = _URL.fullmatch(path.as_posix())
    return None if named is None or path.exists() else f'{named[1]}://{named[2]}'


def address(path: Path) -> str:
    """Return the URL of a path, or the path itself, for display."""
    return url_of(path) or str(path)


class RemoteFile(io.RawIOBase):
    """A file at a URL, which is read in blocks at any position.

    Args:
        url: the URL.
        block: size of a block in bytes.
        cache: fsspec's cache: `readahead` keeps the last block, `blockcache` several.

    Raises:
        VideoError: the file does not exist or may not be read, or its file system is not
            installed.
    """

    def __init__(self, url: str, block: int = _BLOCK, cache: str = 'readahead') -> None:
        super().__init__()
        with _told(url):
            system, name = _system(url)
            opened = system.open(name, 'rb', block_size=block, cache_type=cache)
        # Concurrent readers of a file in memory would share one position.
        in_memory = isinstance(opened, io.BytesIO)
        self._file = io.BytesIO(opened.getvalue()) if in_memory else opened
        self._url = url

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read bytes.

        Raises:
            VideoError: the transfer failed.
        """
        with _told(self._url):
            return bytes(self._file.read(size))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position.

        Raises:
            VideoError: the server does not support reading parts of files.
        """
        with _told(self._url):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """Return the position."""
        return int(self._file.tell())

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def facts_of(url: str) -> tuple[int, str]:
    """Return the size of a file in bytes, and a text that changes when it is written again.

    Raises:
        VideoError: see `RemoteFile`.
    """
    with _told(url):
        system, name = _system(url)
        facts = system.info(name)
    return int(facts.get('size') or 0), _changes(facts)


def content_of(url: str) -> bytes | None:
    """Read a small file completely; return None if it does not exist.

    Raises:
        VideoError: the file may not be read, or the transfer failed.
    """
    with _told(url):
        system, name = _system(url)
        try:
            return bytes(system.cat_file(name))
        except FileNotFoundError:
            return None


def files_below(url: str) -> list[str]:
    """Return the URLs of a file, or of all files of a folder and below, in order.

    Raises:
        VideoError: see `RemoteFile`.
    """
    with _told(url):
        system, name = _system(url)
        if not url.endswith('/') and system.isfile(name) and not _is_page(system, name):
            return [url]
        found = sorted(system.find(name))
        if not found:
            raise FileNotFoundError
        return [system.unstrip_protocol(found_name) for found_name in found]


def written_below(url: str) -> list[str]:
    """Return the URLs of the files that any machine has written in a folder and below.

    Raises:
        DatasetError: the folder cannot be listed, or its bucket does not exist.
    """
    with _told(url, written=True):
        system, name = _system(url)
        # Other machines write meanwhile.
        system.invalidate_cache()
        found = sorted(system.find(name))
        system.invalidate_cache()
        return [system.unstrip_protocol(found_name) for found_name in found]


def write_url(url: str, content: bytes) -> None:
    """Write a file completely; buckets show it to others only when it is complete.

    Raises:
        DatasetError: the file cannot be written.
    """
    with _told(url, written=True):
        system, name = _system(url)
        if url.partition(':')[0] not in _BUCKET_SCHEMES:
            system.makedirs(system._parent(name), exist_ok=True)
        system.pipe_file(name, content)


def remove_url(url: str) -> None:
    """Remove a file, if it exists.

    Raises:
        DatasetError: the file cannot be removed.
    """
    with _told(url, written=True):
        system, name = _system(url)
        if system.exists(name):
            system.rm_file(name)


def open_file(path: Path, block: int = _BLOCK) -> io.RawIOBase | io.BufferedReader:
    """Open a file on this machine, or at the URL of a path.

    Raises:
        OSError, VideoError: the file cannot be read.
    """
    url = url_of(path)
    return path.open('rb') if url is None else RemoteFile(url, block)


def _is_page(system: Any, name: str) -> bool:
    """Check whether a web server answers with a page, which indicates a folder."""
    return bool(system.info(name).get('mimetype') == 'text/html')


def _changes(facts: dict[str, Any]) -> str:
    return repr(sorted((key, str(facts[key])) for key in _CHANGES if facts.get(key)))


def _system(url: str) -> tuple[Any, str]:
    import fsspec

    system, name = fsspec.core.url_to_fs(url)
    return system, str(name)


@contextmanager
def _told(url: str, *, written: bool = False) -> Iterator[None]:
    """Convert any error of a file system to one that names the URL."""
    try:
        yield
    except VideoError:
        raise
    except Exception as error:
        reason = ' '.join(f'{type(error).__name__}: {error}'.split()).removesuffix('.')
        told = f'{url} cannot be {"written" if written else "read"}: {reason}'
        if isinstance(error, FileNotFoundError):
            told += '. Correct the address'
        elif _is_refused(error):
            told += '. Check the credentials of this machine and their permissions'
        kind: type[AfformerError] = DatasetError if written else VideoError
        raise kind(told) from error


def _is_refused(error: Exception) -> bool:
    """Check whether a server denied access; each package reports this in its own way."""
    status = getattr(error, 'status', None) or getattr(error, 'code', None)
    answer = getattr(getattr(error, 'response', None), 'status_code', None)
    return (
        isinstance(error, PermissionError)
        or (status or answer) in (401, 403)
        or str(error).startswith('Forbidden')
    )
