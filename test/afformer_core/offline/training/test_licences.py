# SPDX-License-Identifier: Apache-2.0
"""Licences of what a model is trained on: in its description, and warned of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.manifest.files import convert
from afformer_core.offline.training.datasets.batched_data import AnnotationSource
from afformer_core.runtime.model_folder import read_description

from .conftest import images, write_pairs


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A manifest of eight samples, two of them under a non-commercial licence."""
    convert(open_annotations(write_pairs(tmp_path)), tmp_path / 'mixed.jsonl')
    header, *rows = map(json.loads, (tmp_path / 'mixed.jsonl').read_text().splitlines())
    for row in rows:
        kitchen = row['clip'] == '0.mp4'
        row['source'], row['licence'] = ('kitchens', 'CC-BY-NC-4.0') if kitchen else ('lab', 'own')
    path = tmp_path / 'mixed.jsonl'
    path.write_text('\n'.join(map(json.dumps, (header, *rows))))
    return path


def train(annotations: Path, output: Path, *options: str) -> int:
    given = [each for each in images(annotations) if 'validation.' not in each]
    small = ['--data.batch_size=1', '--trainer.max_steps=1', f'--output={output}']
    return main(['train', *given, *small, *options])


def test_a_mix_of_licences_is_warned_of_and_told(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(mixed, tmp_path / 'model') == 0

    warning = capsys.readouterr().err
    assert 'the licence of kitchens (training data, licence CC-BY-NC-4.0) is' in warning
    assert 'lab' not in warning
    assert read_description(tmp_path / 'model').training['trained_on'] == [
        {'use': 'training data', 'source': 'kitchens', 'licence': 'CC-BY-NC-4.0', 'samples': 2},
        {'use': 'training data', 'source': 'lab', 'licence': 'own', 'samples': 6},
    ]


def test_a_model_keeps_what_its_initial_model_was_made_of(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(mixed, tmp_path / 'first')
    own = {'train.licence': 'own', 'validation.annotations': tmp_path / 'train.json'}
    options = [f'--data.{name}={value}' for name, value in own.items()]

    train(
        tmp_path / 'train.json',
        tmp_path / 'next',
        '--model.initial',
        f'{tmp_path / "first"}',
        *options,
    )

    told = read_description(tmp_path / 'next').ingredients
    assert [(each.use, each.origin.source, each.origin.licence) for each in told] == [
        ('training data', 'kitchens', 'CC-BY-NC-4.0'),
        ('training data', 'lab', 'own'),
        ('training data', 'OPRA', 'own'),
        ('validation data', 'OPRA', 'unknown'),
    ]
    assert 'OPRA' not in capsys.readouterr().err


def test_the_setting_names_a_licence_that_files_do_not(mixed: Path, tmp_path: Path) -> None:
    for path, licence, expected in (
        (tmp_path / 'train.json', 'unknown', {'unknown'}),
        (tmp_path / 'train.json', 'CC-BY-4.0', {'CC-BY-4.0'}),
        (mixed, 'MIT', {'CC-BY-NC-4.0', 'own'}),
    ):
        samples, _ = AnnotationSource(path, licence=licence).read()
        assert {sample.origin.licence for sample in samples} == expected
