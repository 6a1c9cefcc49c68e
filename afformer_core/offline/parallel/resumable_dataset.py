# SPDX-License-Identifier: Apache-2.0
"""Datasets that the processes of an engine generate, with atomic samples.

A sample is generated in a separate folder, whose files are then moved into the dataset. The
sample's record is moved last and marks it as complete. If a run is interrupted, repeating the call
adds the missing samples, and the dataset is identical byte for byte.

- `simulation.json`: settings of each split
- `scenes/SPLIT/00000.json`: record of sample 0
- `.making/SPLIT`: samples that are being made
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import cv2

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.files.atomic import FolderHeldError, folder_lock
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS

_MERGE_EVERY = 300
_ASIDE = '.making'
_SCENES = 'scenes'

# Function that writes the files of a sample, given its number and a temporary dataset folder, and
# returns its record, any JSON value.
Make = Callable[[int, Path], Any]


@dataclass(frozen=True)
class Production:
    """The samples of one split of a dataset.

    Attributes:
        folder: folder of the dataset, created if missing.
        split: name of the split.
        settings: everything on which the samples depend, for `simulation.json`.
        samples: number of samples.
        make: function that generates one sample, deterministically by its number and in any order.
            Other processes must be able to import it.
        merge: function that writes the files of the whole split to a temporary dataset folder,
            from the records of all complete samples, in order.

    Raises:
        ValueError: the split's name cannot name files.
    """

    folder: Path
    split: str
    settings: Mapping[str, Any]
    samples: int
    make: Make
    merge: Callable[[Path, list[Any]], None]

    def __post_init__(self) -> None:
        if not self.split or Path(self.split).name != self.split or self.split.startswith('.'):
            raise ValueError(
                f'split is {self.split!r}; expected the start of a file name, without a slash or '
                'a leading dot'
            )

    def run(self, engine: ParallelEngine = ONE_PROCESS) -> Iterator[int]:
        """Generate all missing samples; yield the number of complete ones.

        Args:
            engine: engine that generates samples; each of its machines must have the dataset's
                folder.

        Raises:
            DatasetError: the folder holds the split made with other settings, another run is
                writing it, it cannot be written (the disk is full), or a process was killed; or,
                after all others are complete, some samples could not be made.
        """
        folder = self._sample_file(0).parent
        with _told(self.folder):
            folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            self._clear()
            try:
                # another split may start at the same time
                with folder_lock(self.folder):
                    self._write_settings()
                yield from self._run(engine)
            finally:
                self._clear()

    def _run(self, engine: ParallelEngine) -> Iterator[int]:
        missing = [index for index in range(self.samples) if not self._sample_file(index).exists()]
        done = self.samples - len(missing)
        yield done
        failures: list[str] = []
        for result in engine.map(partial(_open_maker, self), missing):
            # The next samples would fail with the same full disk, or the same invalid settings.
            if isinstance(result.error, AfformerError | ValueError):
                result.get()
            if result.error is not None:
                failures.append(f'{result.part:05d}: {result.told}')
                continue
            done += 1
            if done % _MERGE_EVERY == 0:
                self._merge()
            yield done
        self._merge()
        if failures:
            raise DatasetError(
                f'{len(failures)} of {self.samples} samples could not be made, the first '
                f'{failures[0]}; the others are complete. Run the same command again to retry '
                'these'
            )

    def _write_settings(self) -> None:
        """Write the settings of the split, or compare them with the written ones."""
        path = self.folder / 'simulation.json'
        description: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        # through JSON, which turns tuples into lists
        expected = json.loads(json.dumps(self.settings))
        if description.get(self.split, expected) != expected:
            raise DatasetError(
                f'{self.folder} holds a split {self.split!r} made with {description[self.split]}, '
                f'not with {expected}; choose another folder or split'
            )
        if self.split not in description:
            with _delivery(self, 'settings') as aside:
                write_json(aside / path.name, {**description, self.split: expected})

    def _merge(self) -> None:
        paths = (self._sample_file(index) for index in range(self.samples))
        found = [json.loads(path.read_text()) for path in paths if path.exists()]
        with _delivery(self, 'merged') as aside:
            self.merge(aside, found)

    def _sample_file(self, index: int) -> Path:
        return self.folder / _SCENES / self.split / f'{index:05d}.json'

    def _clear(self) -> None:
        """Remove the partial samples of an interrupted run."""
        shutil.rmtree(self.folder / _ASIDE / self.split, ignore_errors=True)
        # the folder of another split may still exist
        with suppress(OSError):
            (self.folder / _ASIDE).rmdir()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, and create its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding='utf-8')


def _open_maker(production: Production) -> Callable[[int], None]:
    def make(index: int) -> None:
        with _delivery(production, f'{index:05d}') as aside, _one_thread():
            sample = production.make(index, aside)
            write_json(aside / _SCENES / production.split / f'{index:05d}.json', sample)

    return make


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit OpenCV to one thread, as in the processes of an engine."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


@contextmanager
def _delivery(production: Production, name: str) -> Iterator[Path]:
    """Yield a separate folder, whose files are then moved into the dataset atomically."""
    made = production.folder / _ASIDE / production.split
    # On another machine, whose network failed, a process may still be making the same sample.
    aside = made / f'{name}.{uuid4().hex}'
    with _told(production.folder):
        try:
            aside.mkdir(parents=True)
            yield aside
            _move(aside, production.folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _move(source: Path, goal: Path) -> None:
    made = [path.relative_to(source) for path in source.rglob('*') if path.is_file()]
    # records last: they mark the sample complete
    made.sort(key=lambda name: (name.parts[0] == _SCENES, name))
    moved: list[Path] = []
    try:
        for name in made:
            (goal / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(source / name, goal / name)
            moved.append(name)
    except OSError:
        for name in moved:
            (goal / name).unlink()
        raise


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Raise errors of writing, such as a full disk, as one clear error."""
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise DatasetError(
            f'cannot write {folder}: {os.strerror(error.errno) if error.errno else error}; '
            'complete samples remain. Free some space and run the same command again to add the '
            'rest'
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock a folder against other runs; raise an error if another run holds the lock."""
    try:
        with folder_lock(folder, patient=False):
            yield
    except FolderHeldError as error:
        raise DatasetError(
            f'another run is writing {folder}. Wait until it ends, or choose another folder or '
            'split'
        ) from error
