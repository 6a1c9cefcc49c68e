# SPDX-License-Identifier: Apache-2.0
"""Files of annotations: JSON, text and names of actions, with errors that name the entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DatasetError: the file is missing or not JSON.
    """
    try:
        return json.loads(_read(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path} is not JSON: {error}') from error


def read_entries(path: Path, what: str) -> dict[str, dict[str, Any]]:
    """Read the objects of a JSON list, by their positions for errors.

    Args:
        path: the file.
        what: name of an entry, such as `pair`; an `id` in it is a part of the position.

    Raises:
        DatasetError: the file is missing, or not a list of at least one object.
    """
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise DatasetError(f'{path} must hold a list of at least one {what}')
    entries = {}
    for number, entry in enumerate(content):
        position = f'{what} {number} of {path}'
        if not isinstance(entry, dict):
            raise DatasetError(f'{position} is {entry!r}; expected an object')
        entries[f'{position} ({entry["id"]})' if 'id' in entry else position] = entry
    return entries


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
