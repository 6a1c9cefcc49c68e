# SPDX-License-Identifier: Apache-2.0
"""Files of features, written by interruptible runs in any order of rows."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DatasetError
from afformer_core.files.atomic import write_aside

KEY_FILE = 'key.json'
_JOURNAL = 'written.jsonl'
# Seconds of work that are lost if a machine loses power.
_SECONDS_UNSAFE = 30.0
# Bytes of a block in `st_blocks`, on any file system.
_BLOCK = 512
_TYPE = np.dtype(np.float16)


def feature_file(name: str, stage: str) -> str:
    """Return the name of the file of a set's features of a stage."""
    return f'{name}_{stage}.npy'


@dataclass(frozen=True)
class RowSet:
    """Arrays with corresponding rows.

    Attributes:
        name: name of the set.
        count: number of rows, at least 1.
        shapes: shape of a row in each array, by the name of its `.npy` file.
    """

    name: str
    count: int
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in all arrays."""
        return sum(map(_row_bytes, self.shapes.values()))


class FeatureRows:
    """Arrays of float16 and a key in a folder, which is renamed when all rows are written.

    Until then, it is a hidden folder beside it. Rows of an interrupted run with the same key are
    kept, unless the disk is full. It is a context manager, in which rows are written.

    Args:
        folder: path of the complete folder.
        sets: sets of arrays.
        key: everything on which the rows depend, as JSON types.
        is_same: function that compares the key of an interrupted run with this one.

    Raises:
        DatasetError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        sets: Sequence[RowSet],
        key: Mapping[str, Any],
        is_same: Callable[[dict[str, Any]], bool],
    ) -> None:
        self._folder = folder
        self._aside = folder.with_name(f'.{folder.name}.partial')
        self._sets = {image_set.name: image_set for image_set in sets}
        self._key = key
        self._missing = {image_set.name: set(range(image_set.count)) for image_set in sets}
        self._files: dict[str, io.FileIO] = {}
        self._unsafe: list[tuple[str, list[int]]] = []
        self._due = 0.0
        if not self._resume(is_same):
            shutil.rmtree(self._aside, ignore_errors=True)

    def missing(self, name: str) -> list[int]:
        """Return the rows of a set that are not written yet, in order."""
        return sorted(self._missing[name])

    def lacking(self, rows: RowSet) -> int:
        """Return the additional disk space, in bytes, that the files of a set need."""
        paths = [self._aside / file for file in rows.shapes]
        taken = sum(path.stat().st_blocks * _BLOCK for path in paths if path.exists())
        return max(0, rows.count * rows.row_bytes - taken)

    def __enter__(self) -> FeatureRows:
        with self._told():
            if not self._aside.exists():
                self._begin()
            for image_set in self._sets.values():
                for file in image_set.shapes:
                    # Unbuffered, because a buffer on a full disk would fail again when closed.
                    self._files[file] = io.FileIO(self._aside / file, 'r+')
        self._due = time.monotonic() + _SECONDS_UNSAFE
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._aside.exists():
                self._save()
        finally:
            for file in self._files.values():
                file.close()

    def write(
        self, name: str, rows: Sequence[int], contents: Sequence[Sequence[NDArray[np.float16]]]
    ) -> None:
        """Write rows of a set.

        Args:
            name: name of the set.
            rows: numbers of the rows.
            contents: content of each row in each file.

        Raises:
            DatasetError: the rows cannot be written, for example to a full disk; nothing remains.
        """
        one = self._sets[name]
        with self._told():
            for row, arrays in zip(rows, contents, strict=True):
                for path, array in zip(one.shapes, arrays, strict=True):
                    file, size = self._files[path], array.nbytes
                    begin = os.fstat(file.fileno()).st_size - one.count * size
                    _write_at(file, begin + row * size, array)
        self._missing[name].difference_update(rows)
        self._unsafe.append((name, list(rows)))
        if time.monotonic() >= self._due:
            self._save()

    def complete(self) -> None:
        """Give the folder its final name, replacing an earlier folder.

        Raises:
            DatasetError: the folder cannot be written.
        """
        self._save()
        with self._told():
            (self._aside / _JOURNAL).unlink(missing_ok=True)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._aside.replace(self._folder)

    def _begin(self) -> None:
        self._aside.mkdir(parents=True)
        for image_set in self._sets.values():
            for file, shape in image_set.shapes.items():
                _create(self._aside / file, (image_set.count, *shape))
        # Last, because it marks the others as complete.
        write_aside(self._aside / KEY_FILE, json.dumps(self._key).encode())

    def _resume(self, is_same: Callable[[dict[str, Any]], bool]) -> bool:
        """Load the rows of an interrupted run; return False if there is none with this key."""
        try:
            key = json.loads((self._aside / KEY_FILE).read_text(encoding='utf-8'))
            found = {path.name: np.load(path, 'r').shape for path in self._aside.glob('*.npy')}
        except (OSError, ValueError):
            return False
        expected = {
            file: (image_set.count, *shape)
            for image_set in self._sets.values()
            for file, shape in image_set.shapes.items()
        }
        if not is_same(key) or found != expected:
            return False
        for line in _whole_lines(self._aside / _JOURNAL):
            name, rows = json.loads(line)
            self._missing[name].difference_update(rows)
        return True

    def _save(self) -> None:
        """Record the written rows after they are flushed to disk."""
        with self._told():
            for file in self._files.values():
                os.fsync(file.fileno())
            with (self._aside / _JOURNAL).open('ab') as journal:
                journal.writelines(f'{json.dumps(entry)}\n'.encode() for entry in self._unsafe)
                journal.flush()
                os.fsync(journal.fileno())
        self._unsafe.clear()
        self._due = time.monotonic() + _SECONDS_UNSAFE

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Convert errors of writing to an error with the remedy, and remove the files."""
        try:
            yield
        except OSError as error:
            shutil.rmtree(self._aside, ignore_errors=True)
            raise DatasetError(
                f'features cannot be written to the cache folder {self._folder.parent}: {error}. '
                'Free some space, or choose another folder'
            ) from error


def _row_bytes(shape: Sequence[int]) -> int:
    return math.prod(shape) * _TYPE.itemsize


def _create(path: Path, shape: tuple[int, ...]) -> None:
    """Write a `.npy` file without its values, and reserve their space if the system can.

    With a memory-mapped file, a full disk would end the process.
    """
    with io.FileIO(path, 'w') as file:
        description = {'descr': _TYPE.str, 'fortran_order': False, 'shape': shape}
        np.lib.format.write_array_header_1_0(file, description)
        size = file.tell() + _row_bytes(shape)
        if hasattr(os, 'posix_fallocate'):
            os.posix_fallocate(file.fileno(), 0, size)
        os.truncate(file.fileno(), size)


def _write_at(file: io.FileIO, offset: int, array: NDArray[np.float16]) -> None:
    rest = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    while rest:
        # On a nearly full disk, a first part may be written before the next call fails.
        count = os.pwrite(file.fileno(), rest, offset)
        rest, offset = rest[count:], offset + count


def _whole_lines(path: Path) -> list[bytes]:
    """Return the lines of a file, without an incomplete last line."""
    content = path.read_bytes() if path.is_file() else b''
    return content.split(b'\n')[:-1]
