# SPDX-License-Identifier: Apache-2.0
"""Names of models, and the folders that they lead to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from afformer_core.studio.training.model_folders import ModelFolders


@pytest.fixture
def folders(tmp_path: Path) -> ModelFolders:
    """A model, a training without one yet, a link to another folder, and a hidden folder."""
    for name in ('models/espresso', 'models/begun', 'models/.frames', 'elsewhere'):
        (tmp_path / name).mkdir(parents=True)
    for name in ('models/espresso', 'models/.frames', 'elsewhere'):
        (tmp_path / name / 'model.json').write_text('{}')
    (tmp_path / 'models/begun/config.yaml').write_text('{}')
    (tmp_path / 'models/linked').symlink_to(tmp_path / 'elsewhere')
    return ModelFolders(tmp_path / 'models')


def test_models_are_those_in_the_folder_itself(folders: ModelFolders) -> None:
    assert folders.models() == ('shipped', 'espresso')
    assert folders.having('config.yaml') == ('begun',)


def test_what_was_written_last_comes_first(tmp_path: Path) -> None:
    # Neither by their names nor by when the folders were made.
    for name, seconds in (('kettle', 300.5), ('cup', 300.75), ('lamp', 20.0)):
        file = tmp_path / name / 'config.yaml'
        file.parent.mkdir()
        file.touch()
        os.utime(file, (0, seconds))

    assert ModelFolders(tmp_path).having('config.yaml') == ('cup', 'kettle', 'lamp')


def test_a_folder_that_is_not_there_yet_has_the_shipped_model_alone(tmp_path: Path) -> None:
    assert ModelFolders(tmp_path / 'new').models() == ('shipped',)


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        *(
            (name, 'expected 1 to 64 letters')
            for name in ('../x', 'a/b', '/etc', '', '.', '..', '.frames', 'a' * 65)
        ),
        # The name of the shipped model is not given to another.
        ('shipped', 'not shipped'),
        ('linked', 'linked is a link to another folder'),
    ],
)
def test_a_name_that_is_no_plain_one_is_refused(
    folders: ModelFolders, name: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        folders.path(name)
