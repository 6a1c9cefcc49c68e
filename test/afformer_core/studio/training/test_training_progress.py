# SPDX-License-Identifier: Apache-2.0
"""The progress of a training, read while it grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from afformer_core.files.folder_lock import folder_lock
from afformer_core.studio.training.model_folders import ModelFolders
from afformer_core.studio.training.training_process import TrainingState
from afformer_core.studio.training.training_progress import ProgressReader, TrainingProgress
from afformer_core.studio.training.training_view import duration, in_words
from afformer_core.studio.training.trainings import Trainings


def write_point(folder: Path, step: int, loss: float, time: float) -> None:
    """Add a point as a process of its own does, with an image of its step.

    TensorBoard reads files in the order of their names, which do not begin with the step.
    """
    writer = SummaryWriter(str(folder / 'tensorboard'))
    written = Path(writer.file_writer.event_writer._file_name)
    with writer:
        writer.add_scalar('train/kld', loss, step, time)
        writer.add_scalar('learning_rate', 1e-3, step, time)
        writer.add_scalar('throughput/pairs_per_second', 4.0, step, time)
        writer.add_image('train/0', np.zeros((2, 2, 3), np.uint8), step, time, 'HWC')
    written.rename(written.with_name(f'events.out.tfevents.{step:010}'))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Model folder of a training of 100 steps."""
    (tmp_path / 'espresso').mkdir()
    (tmp_path / 'espresso/config.yaml').write_text('trainer:\n  max_steps: 100\n')
    return tmp_path / 'espresso'


def test_nothing_is_known_before_the_first_step(folder: Path) -> None:
    progress = ProgressReader(folder).read()

    assert progress == TrainingProgress(100)
    assert progress.step == 0


def test_points_are_read_as_they_come(folder: Path) -> None:
    reader = ProgressReader(folder)
    write_point(folder, 1, 2.0, 1000.0)
    assert reader.read().seconds_of_a_step is None
    write_point(folder, 11, 1.0, 1020.0)
    progress = reader.read()

    assert progress.curves == {'train/kld': ((1, 2.0), (11, 1.0))}
    assert (progress.step, progress.pairs_per_second, progress.seconds_of_a_step) == (11, 4.0, 2.0)
    step, (image,) = progress.images
    assert (step, image[:4]) == (11, b'\x89PNG')
    assert in_words(progress, TrainingState.RUNNING) == (
        'Training: step 11 of 100, 4.0 pairs per second, about 3 min left'
    )


@pytest.mark.parametrize(('seconds', 'expected'), [(40, '40 s'), (600, '10 min'), (9000, '2.5 h')])
def test_times_are_told_in_words(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_a_training_that_others_run_is_told_from_one_that_was_stopped(folder: Path) -> None:
    trainings = Trainings(ModelFolders(folder.parent), folder)
    assert trainings.state('espresso') is TrainingState.STOPPED

    with folder_lock(folder):
        assert trainings.state('espresso') is TrainingState.RUNNING
        assert not trainings.is_own('espresso')


def test_a_model_without_its_checkpoints_is_finished(folder: Path) -> None:
    trainings = Trainings(ModelFolders(folder.parent), folder)
    (folder / 'model.json').write_text('{}')
    assert trainings.state('espresso') is TrainingState.FINISHED

    (folder / 'checkpoints').mkdir()
    (folder / 'checkpoints/last.ckpt').write_bytes(b'')
    assert trainings.state('espresso') is TrainingState.STOPPED


def test_the_model_with_which_a_training_began_is_known(folder: Path) -> None:
    trainings = Trainings(ModelFolders(folder.parent), folder)
    (folder.parent / 'mocha').mkdir()
    (folder.parent / 'mocha/model.json').write_text('{}')
    configuration = folder / 'config.yaml'
    assert trainings.initial('espresso') == ''

    configuration.write_text(f'model:\n  initial: {folder.parent / "mocha"}\n')
    assert trainings.initial('espresso') == 'mocha'
    configuration.write_text('model:\n  initial: shipped\n')
    assert trainings.initial('espresso') == 'shipped'
