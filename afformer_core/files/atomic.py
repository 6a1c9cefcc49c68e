# SPDX-License-Identifier: Apache-2.0
"""Atomic writing of files, hashes of files, and a lock that lets only one run work in a folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_aside(path: Path, content: bytes | memoryview) -> None:
    """Write a file atomically: beside its final path, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)
    try:
        with os.fdopen(descriptor, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


class FolderHeldError(Exception):
    """Raised if another run works in the folder."""


@contextmanager
def folder_lock(folder: Path, *, patient: bool = True) -> Iterator[None]:
    """Lock a folder against other runs until this one leaves it or dies.

    Args:
        folder: existing folder, into which nothing is written.
        patient: whether to wait for another run.

    Raises:
        FolderHeldError: another run holds the folder, and `patient` is false.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            # A lock of `filelock` is a file, which remains and needs permission to write.
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise FolderHeldError(f'another run works in {folder}') from error
        yield
    finally:
        os.close(descriptor)
