# SPDX-License-Identifier: Apache-2.0
"""Files that name the actions of a dataset."""

from __future__ import annotations

from pathlib import Path

from afformer_core.data.annotation_file import read_json, read_text
from afformer_core.errors import DatasetError

HOW_TO_NAME = 'in a folder of pairs, actions.txt names them all, one a line'
"""What makes several folders of pairs name the same actions, whichever of them occur in each."""


def read_action_names(path: Path) -> tuple[str, ...]:
    """The names in a file, in the order of their indices.

    Args:
        path: of a JSON list, or of a `.txt` with one name a line, where empty lines are skipped.

    Raises:
        DatasetError: the file is missing or malformed, or holds no name or one of them twice.
    """
    if path.suffix == '.txt':
        lines = (line.strip() for line in read_text(path).removeprefix('\ufeff').split('\n'))
        names = [line for line in lines if line]
    else:
        names = read_json(path)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise DatasetError(f'{path} must hold a list of action names')
    if twice := [name for name in names if names.count(name) > 1]:
        raise DatasetError(f'{path} names the action {twice[0]!r} twice; keep one')
    return tuple(names)
