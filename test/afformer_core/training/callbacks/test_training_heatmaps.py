# SPDX-License-Identifier: Apache-2.0
"""Heatmaps of training samples while a model is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from afformer_core.files.atomic import file_sha256
from afformer_core.training.command import train

from ..conftest import images

FOLDER = 'afformer_core.training.callbacks'
AVERAGED = f'{{"class_path": "{FOLDER}.averaging.MovingAverage"}}'
DRAWN = (
    f'{{"class_path": "{FOLDER}.training_heatmaps.TrainingHeatmaps", '
    '"init_args": {"count": 2, "steps": 2}}'
)


def train_with(annotations: Path, folder: Path, *callbacks: str) -> None:
    options = images(annotations, f'--output={folder}', '--trainer.max_steps=3')
    train([*options, f'--trainer.callbacks=[{", ".join(callbacks)}]'])


@pytest.fixture(scope='module')
def drawn(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of three steps with averaged weights, of which two samples are drawn."""
    folder = tmp_path_factory.mktemp('drawn')
    train_with(annotations, folder, AVERAGED, DRAWN)
    return folder


def test_the_first_step_every_second_and_the_last_are_drawn(drawn: Path) -> None:
    events = EventAccumulator(str(drawn / 'tensorboard'), {'images': 0}).Reload()

    names = [name for name in events.Tags()['images'] if name.startswith('train/')]
    assert names == ['train/0', 'train/1']
    assert [each.step for each in events.Images('train/0')] == [1, 2, 3]
    (image, *_) = events.Images('train/1')
    # Frames above, prediction and annotation below.
    assert (image.width, image.height) == (512, 384)


def test_weights_are_those_without_drawing(drawn: Path, annotations: Path, tmp_path: Path) -> None:
    train_with(annotations, tmp_path, AVERAGED)

    first, second = (file_sha256(folder / 'model.safetensors') for folder in (drawn, tmp_path))
    assert first == second
