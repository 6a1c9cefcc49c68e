# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of files, by the time when they were written or by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

# Bytes that are read at the beginning, in the middle and at the end of a file.
_SAMPLE = 1 << 16


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Hash the names, sizes and times of change of files to a short text.

    Raises:
        OSError: a file is gone.
    """
    facts = []
    for path in paths:
        status = path.stat()
        facts.append((path.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def content_fingerprint(paths: Sequence[Path], *facts: str) -> str:
    """Hash the content of files, wherever they lie, to a short text.

    It is made of the sizes of all and of 64 kB at the beginning, in the middle and at the end of
    the first, the middle and the last file: to read ten thousand hours of video whole would take
    as long as to mine them.

    Args:
        paths: files, in order, at least one.
        facts: what else tells one from another, such as a topic.

    Raises:
        OSError: a file is gone.
    """
    sizes = [path.stat().st_size for path in paths]
    digest = hashlib.sha256(json.dumps((sizes, facts)).encode())
    for number in sorted({0, len(paths) // 2, len(paths) - 1}):
        with paths[number].open('rb') as file:
            for start in (0, sizes[number] // 2, max(0, sizes[number] - _SAMPLE)):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:32]
