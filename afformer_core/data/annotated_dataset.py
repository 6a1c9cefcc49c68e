# SPDX-License-Identifier: Apache-2.0
"""Base class of the dataset readers, and readers of their JSON, text and action files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError


class AnnotatedDataset(Sequence[Sample]):
    """The samples of one annotation file or folder.

    Initially, only the annotations are read; `find_problems` and reading them check clips and
    images. A reader of a format fills `_samples`.

    Attributes:
        annotations: the file or folder.
        root: folder of the media.
        action_names: names of the actions, by the samples' indices.
        without_table: a sentence about each folder that has media but no table of points.
    """

    def __init__(self, annotations: Path, root: Path, action_names: tuple[str, ...]) -> None:
        self.annotations = annotations
        self.root = root
        self.action_names = action_names
        self.without_table: tuple[str, ...] = ()
        self._samples: list[Sample] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def clip_paths(self) -> tuple[Path, ...]:
        """Paths of all annotated clips, each once, as in `Sample.video_path`."""
        return tuple(dict.fromkeys(sample.video_path for sample in self._samples))

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        return self._samples[index]


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DatasetError: the file is missing or not JSON.
    """
    try:
        return json.loads(_read(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path} is not JSON: {error}') from error


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        DatasetError: the file is missing or not UTF-8.
    """
    try:
        return _read(path)
    except UnicodeDecodeError as error:
        raise DatasetError(f'{path} is not text in UTF-8: {error}. Convert it') from error


@contextmanager
def naming(entry: str) -> Iterator[None]:
    """Convert an error while reading a malformed entry to an error that names the entry.

    Args:
        entry: name of the entry, such as `entry 3 of test.json`.

    Raises:
        DatasetError: a key is missing, or a value is of the wrong type or out of range.
    """
    try:
        yield
    except KeyError as error:
        raise DatasetError(f'{entry} has no {error}') from error
    except (TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f'{entry}: {error}') from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise DatasetError(f'{path} does not exist; expected an annotation file') from error


HOW_TO_NAME = 'in a folder of pairs, actions.txt names them all, one a line'
"""Advice on giving several folders of pairs the same actions."""


def read_action_names(path: Path) -> tuple[str, ...]:
    """Read the names in a file, in the order of their indices.

    Args:
        path: a JSON list, or a `.txt` file with one name per line; empty lines are skipped.

    Raises:
        DatasetError: the file is missing, malformed or empty, or contains a name twice.
    """
    if path.suffix == '.txt':
        lines = (line.strip() for line in read_text(path).removeprefix('\ufeff').split('\n'))
        names = [line for line in lines if line]
    else:
        names = read_json(path)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise DatasetError(f'{path} contains no list of names; expected at least one action name')
    if twice := [name for name in names if names.count(name) > 1]:
        raise DatasetError(f'{path} names the action {twice[0]!r} twice. Keep one')
    return tuple(names)
