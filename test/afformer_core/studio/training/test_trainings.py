# SPDX-License-Identifier: Apache-2.0
"""The trainings in a folder of models, without a page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import folder_lock
from afformer_core.studio.training.trainings import Trainings, TrainingState

from ..conftest import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A training beside a model, a link to another folder, and a hidden folder."""
    for name in ('models/espresso', 'models/mocha', 'models/.frames', 'elsewhere'):
        (tmp_path / name).mkdir(parents=True)
    for name in ('models/mocha', 'models/.frames', 'elsewhere'):
        (tmp_path / name / 'model.json').write_text('{}')
    (tmp_path / 'models/linked').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'models/espresso/config.yaml').write_text('trainer:\n  max_steps: 100\n')
    return tmp_path / 'models/espresso'


@pytest.fixture
def trainings(folder: Path) -> Trainings:
    return Trainings(folder.parent, folder)


def test_models_and_trainings_are_those_in_the_folder_itself(
    trainings: Trainings, folder: Path
) -> None:
    assert trainings.models == ('shipped', 'mocha')
    assert Trainings(folder / 'new', folder).models == ('shipped',)
    # The newest comes first, neither by its name nor by when its folder was made.
    for name, seconds in (('kettle', 300.5), ('cup', 300.75), ('lamp', 20.0)):
        file = folder.parent / name / 'config.yaml'
        file.parent.mkdir()
        file.touch()
        os.utime(file, (0, seconds))
    assert trainings.names == ('espresso', 'cup', 'kettle', 'lamp')


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
def test_a_name_that_is_no_plain_one_is_refused(folder: Path, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Trainings(folder.parent, folder, folder / 'config.yaml').start(name, 'shipped', 3)


def test_a_training_is_stopped_run_by_others_or_finished(
    trainings: Trainings, folder: Path
) -> None:
    assert trainings.state('espresso') is TrainingState.STOPPED

    with folder_lock(folder):
        assert trainings.state('espresso') is TrainingState.RUNNING
        assert not trainings.is_own('espresso')
    (folder / 'model.json').write_text('{}')
    assert trainings.state('espresso') is TrainingState.FINISHED


def test_the_output_ends_with_the_latest_state_of_a_progress_bar(
    trainings: Trainings, folder: Path
) -> None:
    assert trainings.output('espresso') == ''

    (folder / 'training.log').write_text(
        ''.join(f'line {number}\n' for number in range(1000)) + '\rstep 1\rstep 2\r\n'
    )

    lines = trainings.output('espresso').splitlines()
    assert (len(lines), lines[-2:]) == (12, ['line 999', 'step 2'])


def test_the_model_with_which_a_training_began_is_known(
    trainings: Trainings, folder: Path
) -> None:
    configuration = folder / 'config.yaml'
    assert trainings.initial('espresso') == ''
    with pytest.raises(AfformerError, match='espresso does not name a model'):
        run(lambda: trainings.compare('espresso'))

    configuration.write_text(f'model:\n  initial: {folder.parent / "mocha"}\n')
    assert trainings.initial('espresso') == 'mocha'
    configuration.write_text('model:\n  initial: shipped\n')
    assert trainings.initial('espresso') == 'shipped'
