# SPDX-License-Identifier: Apache-2.0
"""The curves of a training stand at the steps that were taken, and cost a GPU no answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from afformer_core.training import training_monitor
from afformer_core.training.command import train
from afformer_core.training.training_cli import GroundingTrainingCli
from afformer_core.training.training_monitor import TrainingMonitor

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


@pytest.mark.parametrize(
    'name',
    [
        'train/kld', 'train/action_loss', 'learning_rate', 'throughput/pairs_per_second',
        'memory/peak_megabytes',
    ],
)  # fmt: skip
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
    """A trainer at some step, of batches of four on two processes; a step takes 0.5 s."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, loss: torch.Tensor) -> None:
        self.clock = 100.0
        self.logger = Curves()
        self.shown: dict[str, Any] = {}
        self.monitor = TrainingMonitor('pairs')
        self.trainer = SimpleNamespace(
            global_step=0,
            max_steps=100,
            log_every_n_steps=10,
            accumulate_grad_batches=1,
            world_size=2,
            loggers=[self.logger],
            callback_metrics={'train/kld': loss, 'validation/kld': torch.tensor(9.0)},
            optimizers=[SimpleNamespace(param_groups=[{'lr': 0.5}, {'lr': 0.125}])],
            strategy=SimpleNamespace(root_device=torch.device('cpu')),
        )
        self.module = SimpleNamespace(log_dict=lambda values, **_: self.shown.update(values))
        monkeypatch.setattr(training_monitor.time, 'perf_counter', lambda: self.clock)

    def step(self) -> None:
        self.monitor.on_train_batch_start(self.trainer, self.module, range(4), 0)
        self.clock += 0.5
        self.trainer.global_step += 1
        self.monitor.on_train_batch_end(self.trainer, self.module, None, range(4), 0)


def test_pairs_a_second_of_all_processes_without_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, torch.tensor(2.0))
    for _ in range(9):
        run.step()
        run.clock += 0.5
    run.step()
    # Validation, then steps that wait for nothing.
    run.monitor.on_validation_end(run.trainer, run.module)
    run.clock += 1000
    for _ in range(10):
        run.step()

    speeds = [point['throughput/pairs_per_second'] for point in run.logger.points.values()]
    # 8 pairs in 0.5 s; 72 in nine steps that wait for as long as they compute.
    assert speeds == [16.0, 8.0, 16.0]


def test_the_last_step_has_a_point_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, torch.tensor(2.0))
    run.trainer.max_steps = 22
    for _ in range(22):
        run.step()
    assert list(run.logger.points) == [1, 10, 20, 22]


def test_a_point_has_losses_and_rates_and_the_bar_the_losses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run(monkeypatch, torch.tensor(2.0))
    run.step()
    point = run.logger.points[1]
    assert (point['train/kld'], point['learning_rate'], point['learning_rate_lowest']) == (
        2.0,
        0.5,
        0.125,
    )
    assert 'validation/kld' not in point
    assert run.shown == {'kld': torch.tensor(2.0)}


def test_between_points_no_value_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, torch.empty((), device='meta'))
    run.trainer.global_step = 1
    for _ in range(8):
        run.step()
    with pytest.raises((NotImplementedError, RuntimeError), match='meta'):
        run.step()
    assert run.trainer.global_step == 10
