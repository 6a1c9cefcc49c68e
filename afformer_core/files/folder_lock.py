# SPDX-License-Identifier: Apache-2.0
"""A lock that lets one run alone work in a folder.

It locks the folder itself: a lock of `filelock` is a file, which stays in the folder, or beside it
where the user may not be allowed to write.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FolderHeldError(Exception):
    """Another run works in the folder."""


@contextmanager
def folder_lock(folder: Path, patient: bool = True) -> Iterator[None]:
    """Let no other run into a folder until this one has left it or died.

    Args:
        folder: folder that exists; nothing is written into it.
        patient: whether to wait for who is in it.

    Raises:
        FolderHeldError: somebody is, and this run is not patient.
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
