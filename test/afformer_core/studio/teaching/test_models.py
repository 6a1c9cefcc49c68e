# SPDX-License-Identifier: Apache-2.0
"""The names of models, and their folders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from afformer_core.studio.teaching.models import Models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models beside a folder without one, a hidden one, and a link to another folder."""
    for name in ('models/mocha', 'models/cup', 'models/.frames', 'elsewhere'):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / 'model.json').write_text('{}')
    (tmp_path / 'models/empty').mkdir()
    (tmp_path / 'models/linked').symlink_to(tmp_path / 'elsewhere')
    return tmp_path / 'models'


def test_models_are_those_in_the_folder_itself(folder: Path) -> None:
    assert Models(folder).names == ('shipped', 'cup', 'mocha')
    assert Models(folder / 'new').names == ('shipped',)
    assert Models(folder).path('new') == folder / 'new'
    shipped = Models(folder).path('shipped')
    assert shipped.name == 'afformer_small'
    named = [Models(folder).name(path) for path in (shipped, folder / 'cup', folder / 'empty')]
    assert named == ['shipped', 'cup', str(folder / 'empty')]


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        *((name, 'expected 1 to 64 letters') for name in ('../x', 'a/b', '', '..', 'a' * 65)),
        ('linked', 'linked is a link to another folder'),
    ],
)
def test_a_name_leads_to_no_other_folder(folder: Path, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Models(folder).path(name)
