# SPDX-License-Identifier: Apache-2.0
"""The trainings in a folder of models, without a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.errors import AfformerError
from afformer_core.files.folder_lock import folder_lock
from afformer_core.studio.training.model_folders import ModelFolders
from afformer_core.studio.training.training_process import TrainingState
from afformer_core.studio.training.trainings import Trainings

from ..conftest import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Model folder of a training."""
    (tmp_path / 'espresso').mkdir()
    (tmp_path / 'espresso/config.yaml').write_text('trainer:\n  max_steps: 100\n')
    return tmp_path / 'espresso'


@pytest.fixture
def trainings(folder: Path) -> Trainings:
    return Trainings(ModelFolders(folder.parent), folder)


def test_a_training_that_others_run_is_told_from_one_that_was_stopped(
    trainings: Trainings, folder: Path
) -> None:
    assert trainings.state('espresso') is TrainingState.STOPPED

    with folder_lock(folder):
        assert trainings.state('espresso') is TrainingState.RUNNING
        assert not trainings.is_own('espresso')


def test_a_training_that_wrote_its_model_is_finished(trainings: Trainings, folder: Path) -> None:
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
    (folder.parent / 'mocha').mkdir()
    (folder.parent / 'mocha/model.json').write_text('{}')
    configuration = folder / 'config.yaml'
    assert trainings.initial('espresso') == ''
    with pytest.raises(AfformerError, match='espresso does not name a model'):
        run(lambda: trainings.compare('espresso'))

    configuration.write_text(f'model:\n  initial: {folder.parent / "mocha"}\n')
    assert trainings.initial('espresso') == 'mocha'
    configuration.write_text('model:\n  initial: shipped\n')
    assert trainings.initial('espresso') == 'shipped'
