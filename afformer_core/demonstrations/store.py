# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations on disk: one file each, never half-written."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations import demonstration_file, npz_file
from afformer_core.demonstrations.demonstration_writer import DemonstrationWriter, flush_folder
from afformer_core.demonstrations.names import validated_name
from afformer_core.demonstrations.state import Record
from afformer_core.errors import DemonstrationError, ForeignFileError
from afformer_core.runtime.grounding import EncodedFrames

_SUFFIX = '.mcap'
# Written by version 0.1, and only read.
_OLD_SUFFIX = '.npz'
_PARTIAL = '.partial'


@dataclass(frozen=True)
class FileVersion:
    """What tells a file from another that took its place."""

    modified: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileVersion | None:
        """That of a regular file; None where there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


class DemonstrationStore:
    """A folder of demonstrations, `NAME.mcap` each.

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

    def begin(self, name: str) -> DemonstrationWriter:
        """Begin to write a demonstration; an earlier one of its name stays until it is finished.

        Raises:
            DemonstrationError: not a name, or the disk refuses.
        """
        validated_name(name)
        # A folder that was removed meanwhile costs what was in it, and nothing more.
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f'.{name}.{os.getpid()}{_PARTIAL}'
        return DemonstrationWriter(self.folder / f'{name}{_SUFFIX}', partial)

    def holds(self, name: str) -> bool:
        """Whether there is a demonstration of a name, or one is being written by anybody.

        Raises:
            DemonstrationError: not a name.
        """
        written = self.folder.glob(f'.{name}.*{_PARTIAL}')
        return any(path.exists() for path in self._paths(name)) or any(written)

    def written_elsewhere(self, name: str) -> bool:
        """Whether another process that runs is writing a demonstration of a name.

        Raises:
            DemonstrationError: not a name.
        """
        validated_name(name)
        own = f'.{name}.{os.getpid()}{_PARTIAL}'
        written = self.folder.glob(f'.{name}.*{_PARTIAL}')
        return any(path.name != own and _writer_runs(path) for path in written)

    def versions(self) -> dict[str, FileVersion]:
        """The demonstrations by name, with what tells a file from another of its name.

        Raises:
            OSError: the folder cannot be listed.
        """
        found: dict[str, FileVersion] = {}
        for suffix in (_OLD_SUFFIX, _SUFFIX):
            for path in self.folder.glob(f'[!.]*{suffix}'):
                version = FileVersion.of(path)
                if version is not None:
                    found[path.stem] = version
        return found

    def version(self, name: str) -> FileVersion | None:
        """What tells the file of a demonstration from another; None where there is none."""
        versions = [FileVersion.of(path) for path in self._paths(name)]
        return next((one for one in versions if one is not None), None)

    def record(self, name: str) -> Record:
        """What is kept beside the frames of a demonstration.

        Raises:
            DemonstrationError: it does not exist, its file is damaged, or another's.
        """
        path = self._existing(name)
        try:
            return _record(path)
        except OSError as error:
            raise DemonstrationError(f'{path} cannot be read: {error}') from error

    def load_all(self) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        """Read what is kept beside the frames of every demonstration.

        Returns:
            the sound ones, oldest first, and a sentence for each other file; a damaged one is set
            aside under a name ending in `.damaged`, and what is no demonstration stays as it is.
        """
        sound: dict[str, Record] = {}
        problems: list[str] = []
        # A new file of the same name comes later and counts.
        for suffix in (_OLD_SUFFIX, _SUFFIX):
            for path in sorted(self.folder.glob(f'[!.]*{suffix}')):
                # To open a pipe would wait for whoever writes to it.
                if not path.is_file():
                    problems.append(f'{path} is not read: it is no regular file; remove it')
                    continue
                try:
                    sound[path.stem] = _record(path)
                except ForeignFileError as error:
                    problems.append(str(error))
                except DemonstrationError as error:
                    problems.append(f'{error}; {_set_aside(path)}')
                except OSError as error:
                    problems.append(f'{path} cannot be read: {error}')
        ordered = sorted(sound.values(), key=lambda one: (one.created, one.summary.name))
        return tuple(ordered), tuple(problems)

    def encoded_frames(self, name: str, fingerprint: str) -> EncodedFrames | None:
        """The encoded frames of a demonstration, where the model of a fingerprint made them.

        Raises:
            DemonstrationError: it does not exist or its file is damaged.
        """
        path = self._existing(name)
        try:
            if not fingerprint or _record(path).fingerprint != fingerprint:
                return None
            return demonstration_file.read_encoded_frames(path)
        except OSError as error:
            raise DemonstrationError(f'{path} cannot be read: {error}') from error

    def frames(self, name: str, maximum: int) -> Sequence[NDArray[np.uint8]]:
        """At most so many frames, evenly spaced, of the part that is used: uint8 RGB [H, W, 3].

        Raises:
            DemonstrationError: it does not exist or its file is damaged.
        """
        path = self._existing(name)
        read = demonstration_file.read_frames if path.suffix == _SUFFIX else npz_file.read_frames
        try:
            return read(path, maximum)
        except OSError as error:
            raise DemonstrationError(f'{path} cannot be read: {error}') from error

    def delete(self, name: str) -> None:
        """Remove a demonstration; nothing happens where there is none of the name.

        Raises:
            DemonstrationError: not a name, or the disk refuses.
        """
        for path in self._paths(name):
            try:
                path.unlink(missing_ok=True)
                if self.folder.is_dir():
                    flush_folder(self.folder)
            except OSError as error:
                raise DemonstrationError(f'{path} cannot be removed: {error}') from error

    def _paths(self, name: str) -> tuple[Path, Path]:
        validated_name(name)
        return self.folder / f'{name}{_SUFFIX}', self.folder / f'{name}{_OLD_SUFFIX}'

    def _existing(self, name: str) -> Path:
        for path in self._paths(name):
            if path.is_file():
                return path
        raise DemonstrationError(f'demonstration {name!r} is not stored in {self.folder}')


def _record(path: Path) -> Record:
    try:
        name = validated_name(path.stem)
    except DemonstrationError as error:
        raise ForeignFileError(f'{path} is not read: {error}; rename it') from error
    read = demonstration_file.read_record if path.suffix == _SUFFIX else npz_file.read_record
    record = read(path)
    # A file that was copied or renamed by hand is the demonstration that it is called.
    return replace(record, summary=replace(record.summary, name=name))


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
