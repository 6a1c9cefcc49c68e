# SPDX-License-Identifier: Apache-2.0
"""The best model of a training is kept, and no other one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule
from torch import nn

from afformer_core.offline.training.callbacks.model_writer import BestWriter, ModelWriter


class Recorder(BestWriter):
    """Says what would be written."""

    measure = 'kld'
    sign = -1
    metrics = ('kld', 'top_1')

    def __init__(self) -> None:
        super().__init__(Path('unused'), {'commands': ['train']}, torch.float32)
        self.written: list[Mapping[str, Any]] = []

    def write(
        self, model: nn.Module, trained: LightningModule, training: Mapping[str, Any]
    ) -> None:
        self.written.append(training)


class HigherIsBetter(Recorder):
    sign = 1


def validate(writer: BestWriter, *values: float, **state: Any) -> None:
    """Validate once for each value of the measure, at the steps 10, 20, ..."""
    for number, value in enumerate(values, 1):
        trainer: Any = SimpleNamespace(
            **{
                'callback_metrics': {
                    'validation/kld': torch.tensor(value),
                    'validation/top_1': torch.tensor(0.12345678),
                },
                'sanity_checking': False,
                'is_global_zero': True,
                'global_step': 10 * number,
                'callbacks': [],
                **state,
            }
        )
        trained: Any = SimpleNamespace(model=nn.Identity())
        writer.on_validation_end(trainer, trained)


def steps(writer: Recorder) -> list[int]:
    return [training['step'] for training in writer.written]


@pytest.mark.parametrize(
    ('values', 'kept'),
    [
        ((1.0, 0.5, 0.25), [10, 20, 30]),
        ((0.5, 1.0, 0.75), [10]),
        ((0.5, 0.5), [10]),
        ((0.5, 1.0, 0.4), [10, 30]),
        ((0.5, float('nan'), 0.4), [10, 30]),
    ],
    ids=['falling', 'rising', 'equal', 'rising, then lower than ever', 'not a number'],
)
def test_only_what_is_lower_than_ever_is_written(
    values: tuple[float, ...], kept: list[int]
) -> None:
    writer = Recorder()
    validate(writer, *values)
    assert steps(writer) == kept


def test_of_other_measures_more_is_better() -> None:
    writer = HigherIsBetter()
    validate(writer, 0.5, 0.25, 0.75, 0.6)
    assert steps(writer) == [10, 30]


def test_of_kld_less_is_better() -> None:
    assert (ModelWriter.measure, ModelWriter.sign) == ('kld', -1)


def test_what_is_written_down() -> None:
    writer = Recorder()
    validate(writer, 0.123456)
    assert writer.written == [
        {'commands': ['train'], 'step': 10, 'validation': {'kld': 0.1235, 'top_1': 0.1235}}
    ]


def test_a_check_before_training_and_other_processes_write_nothing() -> None:
    writer = Recorder()
    validate(writer, 0.5, sanity_checking=True)
    validate(writer, 0.5, is_global_zero=False)
    validate(writer, 0.5, callback_metrics={})
    assert writer.written == []


def test_a_resumed_training_knows_the_best_so_far() -> None:
    first, resumed = Recorder(), Recorder()
    validate(first, 0.5)
    resumed.load_state_dict(first.state_dict())
    validate(resumed, 0.6, 0.4)
    assert steps(resumed) == [20]


def test_without_validation_the_last_is_written() -> None:
    writer = Recorder()
    trainer: Any = SimpleNamespace(
        callback_metrics={}, is_global_zero=True, global_step=30, callbacks=[]
    )
    trained: Any = SimpleNamespace(model=nn.Identity())
    writer.on_train_end(trainer, trained)
    assert writer.written == [{'commands': ['train'], 'step': 30, 'validation': {}}]
    validated = Recorder()
    validate(validated, 0.5)
    validated.on_train_end(trainer, trained)
    assert steps(validated) == [10]
