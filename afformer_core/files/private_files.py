# SPDX-License-Identifier: Apache-2.0
"""The cache folder, and files that no other user can write to, as their content is executed."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs

from afformer_core.errors import AfformerError

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class UntrustedWriterError(AfformerError):
    """A file or folder that belongs to another user, or that other users can write to."""


def make_private_folder(path: Path) -> None:
    """Make a folder of mode 0700, with its parents, or check an existing one.

    Raises:
        UntrustedWriterError: it belongs to another user, or other users may write to it.
        OSError: it cannot be made.
    """
    for missing in reversed(
        [lacking for lacking in (path, *path.parents) if not lacking.exists()]
    ):
        missing.mkdir(0o700, exist_ok=True)
    _check(path, path.stat())


def read_private_file(path: Path) -> bytes:
    """Read a file that no other user can write to.

    Raises:
        UntrustedWriterError: it belongs to another user, or other users may write to it.
        OSError: it cannot be read, or is a symbolic link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, 'rb') as file:
        # The open file is checked, because the name may refer to another file by the time of
        # reading.
        _check(path, os.fstat(descriptor))
        return file.read()


def _check(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise UntrustedWriterError(
            f'{path} belongs to user {status.st_uid}; expected user {os.geteuid()}, as whom this '
            'process runs, because its content is executed. Set XDG_CACHE_HOME to another cache '
            'folder'
        )
    if status.st_mode & _OTHERS_MAY_WRITE:
        mode = stat.S_IMODE(status.st_mode)
        raise UntrustedWriterError(
            f'the mode of {path} is {mode:04o}; expected no write access for other users, '
            f'because its content is executed. If none of them wrote to it, run: chmod -R go-w '
            f'{path}'
        )


def cache_folder() -> Path:
    """`afformer` in the user's cache folder: $XDG_CACHE_HOME, or ~/.cache, on Linux.

    For a user without a home, as in some containers, it is a folder of that user in the system's
    folder for temporary files.
    """
    # Without a home, releases of platformdirs raise this error or return a relative path.
    with suppress(RuntimeError):
        folder = platformdirs.user_cache_path('afformer', appauthor=False)
        if folder.is_absolute():
            return folder
    return Path(tempfile.gettempdir()) / f'afformer-{os.getuid()}'
