# SPDX-License-Identifier: Apache-2.0
"""The curves of a training stand at the steps that were taken, and cost a GPU no answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from afformer_core.offline.training.command import train
from afformer_core.offline.training.training_cli import GroundingTrainingCli
from afformer_core.offline.training.training_monitor import TrainingMonitor

from .conftest import images

# As it is where nothing is said; the other tests have a point at every step.
EVERY_TENTH = '--trainer.log_every_n_steps=null'


def steps(events: EventAccumulator, name: str) -> list[int]:
    return [point.step for point in events.Scalars(name)]


@pytest.fixture(scope='module')
def events(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> EventAccumulator:
    """Three steps, with a validation every two."""
    folder = tmp_path_factory.mktemp('curves')
    asked = ['--trainer.max_steps=3', '--trainer.val_check_interval=2', EVERY_TENTH]
    train(images(annotations, f'--output={folder}', *asked))
    return EventAccumulator(str(folder / 'tensorboard'), {'images': 0}).Reload()


@pytest.mark.parametrize('name', ['train/kld', 'train/action_loss', 'learning_rate'])
def test_the_first_and_the_last_step_have_points(events: EventAccumulator, name: str) -> None:
    assert steps(events, name) == [1, 3]
    assert all(point.value > 0 for point in events.Scalars(name))


def test_the_rate_is_that_of_the_step_that_was_taken(events: EventAccumulator) -> None:
    # Of a cosine from 1e-3 over three steps, at the first and at the third.
    rates = [point.value for point in events.Scalars('learning_rate')]
    assert rates == pytest.approx([1e-3, 2.5e-4])


def test_measures_and_images_of_a_validation_stand_at_one_step(
    events: EventAccumulator,
) -> None:
    assert steps(events, 'validation/kld') == [2, 3]
    assert [each.step for each in events.Images('validation/0')] == [2, 3]


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")
def test_every_tenth_step_has_a_point(annotations: Path, tmp_path: Path) -> None:
    asked = ['--trainer.max_steps=30', EVERY_TENTH]
    training = GroundingTrainingCli(images(annotations, f'--output={tmp_path}', *asked))
    assert training.trainer.log_every_n_steps == 10


class Curves:
    """A logger that keeps its points."""

    def __init__(self) -> None:
        self.points: dict[int, dict[str, float]] = {}

    def log_metrics(self, point: dict[str, float], step: int) -> None:
        self.points[step] = point

    def save(self) -> None:
        pass


class Run:
    """A trainer at some step."""

    def __init__(self, loss: torch.Tensor) -> None:
        self.logger = Curves()
        self.shown: dict[str, Any] = {}
        self.monitor = TrainingMonitor()
        self.trainer = SimpleNamespace(
            global_step=0,
            max_steps=100,
            log_every_n_steps=10,
            accumulate_grad_batches=1,
            loggers=[self.logger],
            callback_metrics={'train/kld': loss, 'validation/kld': torch.tensor(9.0)},
            optimizers=[SimpleNamespace(param_groups=[{'lr': 0.5}, {'lr': 0.125}])],
        )
        self.module = SimpleNamespace(log_dict=lambda values, **_: self.shown.update(values))

    def step(self) -> None:
        self.monitor.on_train_batch_start(self.trainer, self.module, None, 0)
        self.trainer.global_step += 1
        self.monitor.on_train_batch_end(self.trainer, self.module, None, None, 0)


def test_the_last_step_has_a_point_wherever_it_is() -> None:
    run = Run(torch.tensor(2.0))
    run.trainer.max_steps = 22
    for _ in range(22):
        run.step()
    assert list(run.logger.points) == [1, 10, 20, 22]


def test_a_point_has_losses_and_rates_and_the_bar_the_losses() -> None:
    run = Run(torch.tensor(2.0))
    run.step()
    point = run.logger.points[1]
    assert (point['train/kld'], point['learning_rate'], point['learning_rate_lowest']) == (
        2.0,
        0.5,
        0.125,
    )
    assert 'validation/kld' not in point
    assert run.shown == {'kld': torch.tensor(2.0)}


def test_between_points_no_value_is_asked_for() -> None:
    run = Run(torch.empty((), device='meta'))
    run.trainer.global_step = 1
    for _ in range(8):
        run.step()
    with pytest.raises((NotImplementedError, RuntimeError), match='meta'):
        run.step()
    assert run.trainer.global_step == 10
