# SPDX-License-Identifier: Apache-2.0
"""Files of action names, and what they may not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import read_action_names


@pytest.mark.parametrize(
    ('name', 'content'),
    [('actions.json', '["press", "turn left"]'), ('actions.txt', '\ufeffpress\n\n turn left \n')],
)
def test_names_are_in_the_order_of_the_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding='utf-8')
    assert read_action_names(tmp_path / name) == ('press', 'turn left')


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('actions.json', '{"press": 0}', 'contains no list of names'),
        ('actions.json', '["press", 1]', 'contains no list of names'),
        ('actions.json', '[]', 'contains no list of names'),
        ('actions.txt', ' \n', 'contains no list of names'),
        ('actions.txt', 'press\nturn\npress\n', "names the action 'press' twice"),
    ],
)
def test_what_are_no_names_is_refused(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_action_names(tmp_path / name)
