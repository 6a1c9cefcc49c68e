# SPDX-License-Identifier: Apache-2.0
"""Files that no other user can write to, because their content is executed.

Private files belong to the user of this process; shared files may also belong to root.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from afformer_core.errors import AfformerError

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
# Regardless of the umask.
_FOLDER_FOR_ALL = 0o755
_FILE_FOR_ALL = 0o644


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


def make_shared_folder(path: Path) -> None:
    """Make a folder that all users can read, with its parents, or check an existing one.

    Raises:
        UntrustedWriterError: see `check_shared_folder`.
        OSError: it cannot be made.
    """
    for missing in reversed(
        [lacking for lacking in (path, *path.parents) if not lacking.exists()]
    ):
        missing.mkdir()
        missing.chmod(_FOLDER_FOR_ALL)
    check_shared_folder(path)


def check_shared_folder(path: Path) -> None:
    """Check who can write to a folder and its contents.

    Raises:
        UntrustedWriterError: an entry belongs neither to root nor to this user, or other users can
            write to it.
        OSError: it cannot be read.
    """
    for entry in (path, *path.rglob('*')):
        status = entry.lstat()
        if status.st_uid not in (0, os.geteuid()):
            raise UntrustedWriterError(
                f'{entry} belongs to user {status.st_uid}; expected root or user {os.geteuid()}, '
                f'since its content is executed. As root, delete {path} and make it again'
            )
        _check_mode(entry, status)


def let_all_users_read(path: Path) -> None:
    """Make a folder and its contents readable for all users, and writable for the owner only."""
    for entry in (path, *path.rglob('*')):
        entry.chmod(_FOLDER_FOR_ALL if entry.is_dir() else _FILE_FOR_ALL)


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
    _check_mode(path, status)


def _check_mode(path: Path, status: os.stat_result) -> None:
    if status.st_mode & _OTHERS_MAY_WRITE:
        mode = stat.S_IMODE(status.st_mode)
        raise UntrustedWriterError(
            f'the mode of {path} is {mode:04o}; expected no write access for other users, '
            f'because its content is executed. If none of them wrote to it, run: chmod -R go-w '
            f'{path}'
        )
