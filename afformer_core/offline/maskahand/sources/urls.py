# SPDX-License-Identifier: Apache-2.0
"""Files at URLs: in a bucket, on a web server, or on any file system of fsspec.

A URL is kept as a path, whose first part is the scheme with its colon: `s3:/bucket/a.mp4`.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError, DatasetError, VideoError
from afformer_core.files.atomic import write_aside

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


def without_folder(text: str, path: Path) -> str:
    """Shorten a path in a text to its name, since an index stores the relative path beside it."""
    return text.replace(address(path), path.name).replace(str(path), path.name)


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
        with _system(url) as (system, name):
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


def facts_of(path: Path) -> tuple[int, str | int]:
    """Return the size of a file in bytes, and a value that changes when it is written again.

    Raises:
        OSError, VideoError: the file cannot be read.
    """
    if (url := url_of(path)) is None:
        status = path.stat()
        return status.st_size, status.st_mtime_ns
    with _system(url) as (system, name):
        facts = system.info(name)
    changes = sorted((key, str(facts[key])) for key in _CHANGES if facts.get(key))
    return int(facts.get('size') or 0), repr(changes)


def state_of(paths: Iterable[Path]) -> str:
    """Hash the names, sizes and times of change of files to a short text.

    Raises:
        OSError, VideoError: a file no longer exists.
    """
    facts = [(path.name, *facts_of(path)) for path in paths]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def open_file(path: Path, block: int = _BLOCK) -> io.RawIOBase | io.BufferedReader:
    """Open a file on this machine, or at the URL of a path.

    Raises:
        OSError, VideoError: the file cannot be read.
    """
    url = url_of(path)
    return path.open('rb') if url is None else RemoteFile(url, block)


def read_file(path: Path) -> bytes:
    """Read a small file completely.

    Raises:
        FileNotFoundError: the file does not exist.
        OSError, VideoError: the file cannot be read.
    """
    if (url := url_of(path)) is None:
        return path.read_bytes()
    with _system(url) as (system, name), suppress(FileNotFoundError):
        return bytes(system.cat_file(name))
    raise FileNotFoundError(f'{url} does not exist')


def files_below(url: str) -> list[str]:
    """Return the URLs of a file, or of all files of a folder and below, in order.

    Raises:
        VideoError: see `RemoteFile`.
    """
    with _system(url) as (system, name):
        # A web server answers with a page for a folder.
        is_file = not url.endswith('/') and system.isfile(name)
        if is_file and system.info(name).get('mimetype') != 'text/html':
            return [url]
        found = sorted(system.find(name))
        if not found:
            raise FileNotFoundError
        return [system.unstrip_protocol(found_name) for found_name in found]


def written_files(folder: Path) -> set[Path]:
    """Return the files that any machine has written in a folder and below.

    Raises:
        DatasetError: the folder cannot be listed, or its bucket does not exist.
    """
    if (url := url_of(folder)) is None:
        return {path for path in folder.rglob('*') if not path.name.startswith('.')}
    with _system(url, written=True) as (system, name):
        # Other machines write meanwhile.
        system.invalidate_cache()
        found = system.find(name)
        system.invalidate_cache()
        return {Path(system.unstrip_protocol(found_name)) for found_name in found}


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically, and create its folders.

    Raises:
        DatasetError: the file cannot be written, for example to a full disk.
    """
    if (url := url_of(path)) is not None:
        with _system(url, written=True) as (system, name):
            # Buckets have no folders, and show a file to others only when it is complete.
            if url.partition(':')[0] not in _BUCKET_SCHEMES:
                system.makedirs(system._parent(name), exist_ok=True)
            system.pipe_file(name, content)
        return
    try:
        write_aside(path, content)
    except OSError as error:
        raise DatasetError(
            f'{path} cannot be written: {error.strerror or error}; the results before it are '
            'complete. Free some space, or correct the permissions, and run the same command '
            'again to continue'
        ) from error


def remove_file(path: Path) -> None:
    """Remove a file, if it exists.

    Raises:
        OSError, DatasetError: it cannot be removed.
    """
    if (url := url_of(path)) is None:
        path.unlink(missing_ok=True)
        return
    with _system(url, written=True) as (system, name):
        if system.exists(name):
            system.rm_file(name)


@contextmanager
def _system(url: str, *, written: bool = False) -> Iterator[tuple[Any, str]]:
    """Yield the file system of a URL and the name in it; tell errors (see `_told`)."""
    import fsspec

    with _told(url, written=written):
        system, name = fsspec.core.url_to_fs(url)
        yield system, str(name)


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
