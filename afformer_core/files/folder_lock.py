# SPDX-License-Identifier: Apache-2.0
"""A lock that lets only one run work in a folder.

It locks the folder itself, because a lock of `filelock` is a file that remains in the folder, or
beside it, where the user may not have permission to write.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if patient else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise FolderHeldError(f'another run works in {folder}') from error
        yield
    finally:
        os.close(descriptor)
