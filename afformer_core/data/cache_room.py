# SPDX-License-Identifier: Apache-2.0
"""A check of the disk space for a cache before it is filled."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import DatasetError

_UNITS = ('bytes', 'kB', 'MB', 'GB', 'TB')
_STEP = 1000


@dataclass(frozen=True)
class CachePart:
    """A part of the future contents of a cache.

    Attributes:
        what: description, such as `16,000 clips of 64 frames at 256x256`.
        size: approximate size in bytes; at least 0.

    Raises:
        ValueError: the size is negative.
    """

    what: str
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f'{self.what}: the size is {self.size} bytes; expected at least 0')


def require_room(folder: Path, parts: Sequence[CachePart]) -> None:
    """Check that a disk has space for a cache, and report its size on stderr.

    Args:
        folder: folder of the cache, which may not exist.
        parts: all parts to write.

    Raises:
        DatasetError: the disk has less free space.
    """
    needed = sum(part.size for part in parts)
    if not needed:
        return
    what = ' and '.join(part.what for part in parts if part.size)
    free = shutil.disk_usage(_existing(folder)).free
    if needed > free:
        raise DatasetError(
            f'the cache in {folder} needs about {size_text(needed)} ({what}), but only '
            f'{size_text(free)} are free there. Free some space, or set data.cache_folder to a '
            'folder on another disk'
        )
    print(
        f'afformer: the cache will need about {size_text(needed)} ({what}) in {folder}; '
        f'{size_text(free)} are free',
        file=sys.stderr,
    )


def require_cache_folder(folder: Path | None) -> None:
    """Check that a cache folder is set.

    Raises:
        DatasetError: there is no folder for it.
    """
    if folder is None:
        raise DatasetError(
            'data.cache_folder is null; expected the folder of a cache. Name one with '
            '--data.cache_folder, here and in the training'
        )


def size_text(size: float) -> str:
    """Format a number of bytes as text, such as `12.6 GB`."""
    power = 0
    while size >= _STEP and power < len(_UNITS) - 1:
        size /= _STEP
        power += 1
    return f'{size:.0f} {_UNITS[power]}' if size >= 100 else f'{size:.3g} {_UNITS[power]}'


def _existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    absolute = folder.absolute()
    return next(existing for existing in (absolute, *absolute.parents) if existing.exists())
