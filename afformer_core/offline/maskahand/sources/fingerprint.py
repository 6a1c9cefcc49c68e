# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of files, by modification time or by content.

The files are on the disk or at the URLs of their paths (see `urls`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from afformer_core.offline.maskahand.sources.urls import facts_of, open_file, url_of


class SupportsRead(Protocol):
    """An opened file."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position."""

    def read(self, size: int = -1, /) -> bytes:
        """Read bytes."""


# Number of bytes read at the beginning, in the middle and at the end of a file.
_SAMPLE = 1 << 16


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Hash the names, sizes and times of change of files to a short text.

    Raises:
        OSError, VideoError: a file no longer exists.
    """
    facts: list[tuple[str | int, ...]] = []
    for path in paths:
        url = url_of(path)
        if url is not None:
            facts.append((path.name, *facts_of(url)))
            continue
        status = path.stat()
        facts.append((path.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def content_fingerprint(paths: Sequence[Path], *facts: str) -> str:
    """Hash the content of files, independent of their location, to a short text.

    It covers the sizes of all files, and 64 kB at the beginning, in the middle and at the end of
    the first, the middle and the last file. Reading ten thousand hours of video completely would
    take as long as mining them.

    Args:
        paths: files, in order, at least one.
        facts: further distinguishing facts, such as a topic.

    Raises:
        OSError, VideoError: a file no longer exists.
    """
    sizes = [_size(path) for path in paths]
    chosen = sorted({0, len(paths) // 2, len(paths) - 1})
    with ExitStack() as stack:
        files = [(stack.enter_context(open_file(paths[i], _SAMPLE)), sizes[i]) for i in chosen]
        several = (repr(list(sizes)), *facts)
        return samples_fingerprint(files, *(facts if len(paths) == 1 else several))


def _size(path: Path) -> int:
    url = url_of(path)
    return path.stat().st_size if url is None else facts_of(url)[0]


def samples_fingerprint(files: Sequence[tuple[SupportsRead, int]], *facts: str) -> str:
    """Hash 64 kB at the beginning, in the middle and at the end of opened files of known size.

    Args:
        files: files and their sizes in bytes.
        facts: further distinguishing facts.

    Raises:
        OSError, VideoError: a file cannot be read.
    """
    digest = hashlib.sha256(json.dumps(([size for _, size in files], facts)).encode())
    for file, size in files:
        for start in (0, size // 2, max(0, size - _SAMPLE)):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:32]
