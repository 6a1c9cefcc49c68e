# SPDX-License-Identifier: Apache-2.0
"""Finished demonstrations on disk, one file each, and the selection; written atomically."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from afformer_core.demonstrations.demonstration_file import (
    DemonstrationWriter,
    flush_folder,
    read_encoded_frames,
    read_entry,
    read_messages,
)
from afformer_core.demonstrations.state import StoreEntry, Summary, validated_name
from afformer_core.errors import DemonstrationError, OtherFormatError
from afformer_core.files.atomic import write_aside
from afformer_core.media.polygons import Point
from afformer_core.runtime.demonstration import EncodedFrames, ShownRotation

_SUFFIX = '.mcap'
_PARTIAL = '.partial'


# Time of modification, size and inode of a file, which change when another file replaces it.
FileVersion = tuple[int, int, int]


class DemonstrationStore:
    """A folder of demonstrations, `NAME.mcap` each.

    Each file is written under another name, flushed to the disk and renamed, so that a crash at
    any time leaves either the complete file or none. Leftovers of an interrupted write are removed
    when the folder is opened; files of a running process are not touched.

    Args:
        folder: folder of the files, created if missing.

    Raises:
        DemonstrationError: the folder cannot be created or written.
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
                f'demonstrations cannot be stored in {folder}: {error}. Choose another folder'
            ) from error

    def begin(self, name: str) -> DemonstrationWriter:
        """Start a file; an earlier one with its name is kept until it is finished.

        Raises:
            DemonstrationError: the name is not allowed, or the file cannot be written.
        """
        validated_name(name)
        # recording continues even if the folder was removed meanwhile
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f'.{name}.{os.getpid()}{_PARTIAL}'
        return DemonstrationWriter(self.folder / f'{name}{_SUFFIX}', partial)

    def file(self, name: str) -> Path:
        """Return the file of a demonstration.

        Raises:
            DemonstrationError: the name is not allowed, or the demonstration does not exist.
        """
        path = self._path(name)
        if not path.is_file():
            raise DemonstrationError(f'demonstration {name!r} is not stored in {self.folder}')
        return path

    def holds(self, name: str) -> bool:
        """Check whether a demonstration with a name exists, or is being written by a process.

        Raises:
            DemonstrationError: the name is not allowed.
        """
        return self._path(name).exists() or any(self._written(name))

    def require_not_written(self, name: str, advice: str) -> None:
        """Check that no other process is writing a demonstration with a name.

        Raises:
            DemonstrationError: the name is not allowed, or another process is; with the advice.
        """
        validated_name(name)
        if any(_writer_runs(path) for path in self._written(name)):
            raise DemonstrationError(f'{name!r} is being recorded by another process. {advice}')

    def versions(self) -> dict[str, FileVersion]:
        """List the demonstrations by name, with the versions of their files.

        Raises:
            OSError: the folder cannot be listed.
        """
        found = {path.stem: _version(path) for path in self.folder.glob(f'[!.]*{_SUFFIX}')}
        return {name: version for name, version in found.items() if version is not None}

    def version(self, name: str) -> FileVersion | None:
        """Read the version of a demonstration's file; None if there is none."""
        return _version(self._path(name))

    def load_all(self) -> tuple[tuple[StoreEntry, ...], tuple[str, ...]]:
        """Read the records of all demonstrations.

        Returns:
            the valid records, oldest first, and a sentence for each other file. A damaged file is
            renamed to end in `.damaged`, and a file that is not a demonstration is kept.
        """
        sound: list[StoreEntry] = []
        problems: list[str] = []
        for path in sorted(self.folder.glob(f'[!.]*{_SUFFIX}')):
            # opening a pipe would block until a process writes to it
            if not path.is_file():
                problems.append(f'{path} cannot be used: it is not a regular file; remove it')
                continue
            try:
                sound.append(read_entry(path))
            except OtherFormatError as error:
                problems.append(str(error))
            except DemonstrationError as error:
                problems.append(f'{error}; {_set_aside(path)}')
        ordered = sorted(sound, key=lambda entry: (entry.created, entry.summary.name))
        return tuple(ordered), tuple(problems)

    def encoded_frames(self, name: str, fingerprint: str) -> EncodedFrames | None:
        """Read the encoded frames of a demonstration; None if another model made them.

        Raises:
            DemonstrationError: the demonstration does not exist, or its file is damaged.
        """
        path = self.file(name)
        if not fingerprint or read_entry(path).fingerprint != fingerprint:
            return None
        return read_encoded_frames(path)

    def mark(self, name: str, contact: Point | None, rotation: ShownRotation) -> Summary:
        """Write the mark of a contact, or none, into the file of a demonstration.

        Args:
            name: name of the demonstration.
            contact: see `EncodedFrames.contact`.
            rotation: direction of rotation around the contact.

        Returns:
            its summary; its frames are unchanged.

        Raises:
            DemonstrationError: the demonstration does not exist, its file is damaged, or writing
                fails.
        """
        path = self.file(name)
        entry, encoded = read_entry(path), read_encoded_frames(path)
        summary = entry.summary.marked(contact, rotation)
        writer = self.begin(name)
        try:
            for message, nanoseconds in read_messages(path):
                writer.add_message(message, nanoseconds)
            writer.finish(replace(entry, summary=summary), encoded)
        finally:
            writer.discard()
        return summary

    def delete(self, name: str) -> None:
        """Remove a demonstration, if one with the name exists.

        Raises:
            DemonstrationError: the name is not allowed, or the file cannot be written.
        """
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            if self.folder.is_dir():
                flush_folder(self.folder)
        except OSError as error:
            raise DemonstrationError(f'{path} cannot be removed: {error}') from error

    def _path(self, name: str) -> Path:
        return self.folder / f'{validated_name(name)}{_SUFFIX}'

    def _written(self, name: str) -> Iterator[Path]:
        """Return the unfinished files of a demonstration, of all processes."""
        return self.folder.glob(f'.{name}.*{_PARTIAL}')


class SelectionFile:
    """The file, beside the demonstrations, with the selection of one node.

    Args:
        folder: folder of the demonstrations.
        owner: name of the node, such as '/wrist/grounding'; each node of a store has its own file.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.path = folder / f'.{owner.strip("/").replace("/", ".")}.selection'

    def read(self) -> str:
        """Read the selection, names joined by '+'; '' if there is none."""
        try:
            return self.path.read_text(errors='replace').strip() if self.path.is_file() else ''
        except OSError:
            return ''

    def write(self, selection: str) -> str:
        """Write a selection; return the reason if it cannot be written, or ''."""
        try:
            if selection:
                write_aside(self.path, f'{selection}\n'.encode())
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            return (
                f'the selection will be lost when the process ends: it cannot be written: {error}'
            )
        return ''


def _version(path: Path) -> FileVersion | None:
    """Read the version of a regular file; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    regular = stat.S_ISREG(found.st_mode)
    return (found.st_mtime_ns, found.st_size, found.st_ino) if regular else None


def _set_aside(path: Path) -> str:
    aside = path.with_name(f'{path.name}.damaged')
    try:
        os.replace(path, aside)
    except OSError as error:
        return f'it could not be set aside: {error}'
    return f'it was set aside as {aside.name}'


def _writer_runs(leftover: Path) -> bool:
    """Check whether the process that writes a file runs, and is another one."""
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
