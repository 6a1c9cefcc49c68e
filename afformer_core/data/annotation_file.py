# SPDX-License-Identifier: Apache-2.0
"""Reading annotation files, with errors that name the file and the entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from afformer_core.errors import DatasetError


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DatasetError: it is missing or not JSON.
    """
    try:
        return json.loads(_read(path))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path} is not JSON: {error}') from error


def read_text(path: Path) -> str:
    """What a text file holds.

    Raises:
        DatasetError: it is missing or not UTF-8.
    """
    try:
        return _read(path)
    except UnicodeDecodeError as error:
        raise DatasetError(f'{path} is not text in UTF-8: {error}') from error


@contextmanager
def naming(entry: str) -> Iterator[None]:
    """Turn what a malformed entry raises while it is read into an error that names it.

    Args:
        entry: its name, such as `entry 3 of test.json`.

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
        raise DatasetError(f'there is no annotation file {path}') from error
