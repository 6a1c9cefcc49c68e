# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations on disk: one file each, never half-written."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DemonstrationError

_NAME = re.compile(r'(?!\.)[A-Za-z0-9_.-]{1,64}')
_SUFFIX = '.npz'
_PARTIAL = '.partial'
_FORMAT = 1


def validated_name(name: str) -> str:
    """The name itself, which is also the stem of its file.

    Raises:
        DemonstrationError: not 1 to 64 of letters, digits, `_`, `.`, `-`, or it starts with a dot.
    """
    if _NAME.fullmatch(name) is None:
        raise DemonstrationError(
            f'{name!r} cannot name a demonstration; use 1 to 64 letters, digits, "_", "." or "-", '
            'and no dot in front'
        )
    return name


@dataclass(frozen=True)
class StoredDemonstration:
    """A finished demonstration as it is kept on disk.

    Attributes:
        name: see `validated_name`.
        frames: uint8 RGB [T, h, w, 3], those that the model kept, T at least 1.
        frame_count: frames that were seen, at least T.
        duration: seconds between the first and the last frame seen, at least 0.
        created: seconds since 1970 at which it was finished; gives the order.
    """

    name: str
    frames: NDArray[np.uint8]
    frame_count: int
    duration: float
    created: float

    def __post_init__(self) -> None:
        validated_name(self.name)
        frames = self.frames
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
            raise DemonstrationError(
                f'demonstration {self.name!r} has frames of type {frames.dtype} and shape '
                f'{frames.shape}; they must be uint8 [T, h, w, 3] and not empty'
            )
        if self.frame_count < len(frames):
            raise DemonstrationError(
                f'demonstration {self.name!r} keeps {len(frames)} of {self.frame_count} frames; '
                'it cannot keep more than were seen'
            )
        if not (np.isfinite([self.duration, self.created]).all() and self.duration >= 0):
            raise DemonstrationError(
                f'demonstration {self.name!r} lasts {self.duration} s and was made at '
                f'{self.created}; both must be finite and the first not negative'
            )


class DemonstrationStore:
    """A folder of demonstrations.

    Each is written aside, flushed to the disk and renamed, so that a crash at any time leaves
    either the whole file or none. What an interrupted write left is removed when the folder is
    opened; files of a process that still runs are left to it.

    Args:
        folder: made where it does not exist.

    Raises:
        DemonstrationError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f'.*{_PARTIAL}'):
                if not _writer_runs(leftover):
                    leftover.unlink(missing_ok=True)
        except OSError as error:
            raise DemonstrationError(
                f'demonstrations cannot be kept in {folder}: {error}; choose another folder'
            ) from error

    def save(self, demonstration: StoredDemonstration) -> Path:
        """Write a demonstration; an earlier one of its name is replaced.

        Raises:
            DemonstrationError: the disk refuses; what was there before is unchanged.
        """
        path = self._path(demonstration.name)
        partial = self.folder / f'.{demonstration.name}.{os.getpid()}{_PARTIAL}'
        try:
            with open(partial, 'wb') as file:
                _write(demonstration, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
            _flush_folder(self.folder)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise DemonstrationError(
                f'demonstration {demonstration.name!r} cannot be written to {path}: {error}'
            ) from error
        return path

    def load(self, name: str) -> StoredDemonstration:
        """Read one demonstration.

        Raises:
            DemonstrationError: it does not exist or its file is damaged.
        """
        path = self._path(name)
        try:
            return _read(path, name)
        except FileNotFoundError as error:
            raise DemonstrationError(
                f'demonstration {name!r} is not stored in {self.folder}'
            ) from error
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DemonstrationError(f'{path} is damaged: {error}') from error

    def load_all(self) -> tuple[tuple[StoredDemonstration, ...], tuple[str, ...]]:
        """Read every demonstration.

        Returns:
            the sound ones, oldest first, and a sentence for each damaged file; a damaged file is
            set aside under a name ending in `.damaged`.
        """
        sound: list[StoredDemonstration] = []
        problems: list[str] = []
        for path in sorted(self.folder.glob(f'[!.]*{_SUFFIX}')):
            try:
                sound.append(self.load(path.stem))
            except DemonstrationError as error:
                problems.append(f'{error}; {_set_aside(path)}')
        return tuple(sorted(sound, key=lambda one: (one.created, one.name))), tuple(problems)

    def delete(self, name: str) -> None:
        """Remove a demonstration; nothing happens where there is none of the name.

        Raises:
            DemonstrationError: not a name, or the disk refuses.
        """
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            _flush_folder(self.folder)
        except OSError as error:
            raise DemonstrationError(f'{path} cannot be removed: {error}') from error

    def _path(self, name: str) -> Path:
        return self.folder / f'{validated_name(name)}{_SUFFIX}'


def _write(demonstration: StoredDemonstration, file: BinaryIO) -> None:
    np.savez_compressed(
        file,
        format=np.int64(_FORMAT),
        frames=demonstration.frames,
        frame_count=np.int64(demonstration.frame_count),
        duration=np.float64(demonstration.duration),
        created=np.float64(demonstration.created),
    )


def _read(path: Path, name: str) -> StoredDemonstration:
    with np.load(path, allow_pickle=False) as archive:
        version = int(archive['format'])
        if version != _FORMAT:
            raise ValueError(f'format {version} is unknown, {_FORMAT} is read')
        return StoredDemonstration(
            name=name,
            frames=archive['frames'],
            frame_count=int(archive['frame_count']),
            duration=float(archive['duration']),
            created=float(archive['created']),
        )


def _set_aside(path: Path) -> str:
    aside = path.with_name(f'{path.name}.damaged')
    try:
        os.replace(path, aside)
    except OSError as error:
        return f'it could not be set aside: {error}'
    return f'it was set aside as {aside.name}'


def _writer_runs(leftover: Path) -> bool:
    process = leftover.name[: -len(_PARTIAL)].rpartition('.')[2]
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _flush_folder(folder: Path) -> None:
    """Make a rename durable: the entry belongs to the folder, not to the file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
