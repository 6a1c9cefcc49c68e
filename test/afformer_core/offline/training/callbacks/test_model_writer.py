# SPDX-License-Identifier: Apache-2.0
"""The best model of a training is kept, and no other one."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from afformer_core.errors import AfformerError
from afformer_core.offline.training.callbacks.model_writer import ModelWriter, WholeCheckpoints
from afformer_core.offline.training.model_training import ModelTraining, Optimization


class Recorder(ModelTraining):
    """Says what would be written."""

    metrics = ('kld', 'top_1')

    def __init__(self, sign: int = -1) -> None:
        super().__init__(nn.Linear(1, 1), Optimization())
        self.sign = sign  # type: ignore[misc]
        self.writer = ModelWriter(Path('unused'), {'commands': ['train']}, torch.float32)
        self.written: list[Mapping[str, Any]] = []

    def save(
        self, folder: Path, model: Any, training: Mapping[str, Any], dtype: torch.dtype
    ) -> None:
        self.written.append(training)

    @property
    def steps(self) -> list[int]:
        return [training['step'] for training in self.written]


def trainer(number: int, value: float, **state: Any) -> Any:
    measures = {'kld': value, 'top_1': 0.12345678}
    return SimpleNamespace(
        **{
            'callback_metrics': {f'validation/{k}': torch.tensor(v) for k, v in measures.items()},
            'sanity_checking': False,
            'is_global_zero': True,
            'global_step': 10 * number,
            'callbacks': [],
            **state,
        }
    )


def validate(recorder: Recorder, *values: float, **state: Any) -> None:
    """Validate once for each value of the measure, at the steps 10, 20, ..."""
    for number, value in enumerate(values, 1):
        recorder.writer.on_validation_end(trainer(number, value, **state), recorder)


@pytest.mark.parametrize(
    ('sign', 'values', 'kept'),
    [
        (-1, (1.0, 0.5, 0.25), [10, 20, 30]),
        (-1, (0.5, 1.0, 0.75), [10]),
        (-1, (0.5, 0.5), [10]),
        (-1, (0.5, 1.0, 0.4), [10, 30]),
        (-1, (0.5, float('nan'), 0.4), [10, 30]),
        (1, (0.5, 0.25, 0.75, 0.6), [10, 30]),
    ],
)
def test_only_what_is_better_than_ever_is_written(
    sign: int, values: tuple[float, ...], kept: list[int]
) -> None:
    recorder = Recorder(sign)
    validate(recorder, *values)
    assert recorder.steps == kept


def test_what_is_written_down() -> None:
    recorder = Recorder()
    validate(recorder, 0.123456)
    assert recorder.written == [
        {'commands': ['train'], 'step': 10, 'validation': {'kld': 0.1235, 'top_1': 0.1235}}
    ]


def test_a_check_before_training_and_other_processes_write_nothing() -> None:
    recorder = Recorder()
    validate(recorder, 0.5, sanity_checking=True)
    validate(recorder, 0.5, is_global_zero=False)
    validate(recorder, 0.5, callback_metrics={})
    assert recorder.written == []


def test_a_resumed_training_knows_the_best_so_far() -> None:
    first, resumed = Recorder(), Recorder()
    validate(first, 0.5)
    resumed.writer.load_state_dict(first.writer.state_dict())
    validate(resumed, 0.6, 0.4)
    assert resumed.steps == [20]


def test_without_validation_the_last_is_written() -> None:
    recorder, validated = Recorder(), Recorder()
    recorder.writer.on_train_end(trainer(3, 0.5, callback_metrics={}), recorder)
    assert recorder.written == [{'commands': ['train'], 'step': 30, 'validation': {}}]
    validate(validated, 0.5)
    validated.writer.on_train_end(trainer(3, 0.5), validated)
    assert validated.steps == [10]


# Numbers of 4 bytes: more than the file may hold.
LARGE = {'weights': torch.ones(300_000)}


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files that end at half a megabyte, as on a disk without more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures('full_disk')
def test_a_full_disk_leaves_the_checkpoint_of_before(tmp_path: Path) -> None:
    path = tmp_path / 'checkpoints' / 'last.ckpt'
    with pytest.raises(AfformerError, match=r'File too large\. Free some space and start again'):
        WholeCheckpoints().save_checkpoint(LARGE, path)
    assert list(path.parent.iterdir()) == []
    WholeCheckpoints().save_checkpoint({'weights': torch.arange(7)}, path)

    with pytest.raises(
        AfformerError, match=r'File too large\. Free some space and resume; the prev'
    ):
        WholeCheckpoints().save_checkpoint(LARGE, path)

    assert torch.load(path, weights_only=True)['weights'].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert list(path.parent.iterdir()) == [path]
