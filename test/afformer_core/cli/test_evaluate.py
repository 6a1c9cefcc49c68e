# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate` with predictors that need no media, on annotations alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.cli.evaluate import _PREDICTORS, _PROTOCOLS
from afformer_core.cli.main import main
from afformer_core.evaluation.blind_report import BLIND_PREDICTORS
from afformer_core.evaluation.named_protocols import PROTOCOLS

# Rows enough for two chunks, on three images.
SAMPLES = 40


@pytest.fixture(scope='module')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    entries = [
        {
            'image_path': f'datasets/opra/images/{number % 3}.jpg',
            'video_path': f'datasets/opra/clips/{number}.mp4',
            'width': 256,
            'height': 256,
            'actions': [1 + number % 2],
            'heatmaps': [random.integers(40, 120, (10, 2)).tolist()],
        }
        for number in range(SAMPLES)
    ]
    path = tmp_path_factory.mktemp('opra') / 'test.json'
    path.write_text(json.dumps(entries))
    return path


def evaluate(capsys: pytest.CaptureFixture[str], annotations: Path, *options: str) -> Any:
    assert main(['evaluate', '--annotations', str(annotations), *options, '--json', '-']) == 0
    return json.loads(capsys.readouterr().out)


def test_one_object_is_printed(annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluate(capsys, annotations, '--predictor', 'uniform')

    assert found['annotations'] == str(annotations)
    assert found['protocol'] == 'rows256'
    assert found['rows'] == SAMPLES
    assert found['metrics'].keys() >= {'kld', 'sim', 'auc_j', 'hit_rate', 'peak_error_median'}
    assert 0.4 < found['metrics']['auc_j'] < 0.6
    low, high = found['intervals']['kld']
    assert low <= found['metrics']['kld'] <= high
    assert list(found['tables'][0]['rows']) == ['all', 'hold', 'touch']
    assert found['tables'][0]['rows']['hold']['rows'] == SAMPLES / 2


def test_the_options_are_what_there_is() -> None:
    assert ('model', *BLIND_PREDICTORS) == _PREDICTORS
    assert tuple(PROTOCOLS) == _PROTOCOLS


def test_what_knows_more_is_nearer(annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ('uniform', 'action-prior', 'image-oracle')
    uniform, prior, oracle = (
        evaluate(capsys, annotations, '--predictor', name)['metrics']['kld'] for name in names
    )
    assert prior < uniform - 0.5
    assert oracle < uniform - 0.5


def test_sigma_is_that_of_the_gaussian(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broad, narrow = (
        evaluate(capsys, annotations, '--predictor', 'gaussian', '--sigma', sigma)['metrics']
        for sigma in ('0.5', '0.15')
    )
    assert broad['kld'] < narrow['kld']


def test_pooled_rows_are_images_and_actions(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluate(capsys, annotations, '--predictor', 'uniform', '--protocol', 'pooled28')
    assert found['rows'] == 3 * 2


@pytest.mark.slow
def test_two_processes_find_the_same(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for protocol in ('rows256', 'pooled28'):
        options = ('--predictor', 'action-prior', '--protocol', protocol)
        one, two = (
            evaluate(capsys, annotations, *options, '--processes', count) for count in '12'
        )
        assert one == two


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--predictor', 'gaussian', '--sigma', '0'), 'sigma of the Gaussian is 0'),
        (('--predictor', 'uniform', '--processes', '0'), '--processes is 0'),
        (('--protocol', 'pooled28'), 'measure the model by a protocol of rows'),
        (
            ('--predictor', 'uniform', '--protocol', 'buttons'),
            'needs boxes of buttons, and test/0',
        ),
        (('--protocol', 'buttons'), 'needs boxes of buttons, and test/0'),
        (('--zooms', '1.5', '1.8', '--maximum-looks', '2'), 'leave out --maximum-looks'),
        (('--maximum-looks', '0'), 'maximum_looks is 0; an image needs at least 1'),
        (('--predictor', 'uniform', '--report', __file__), 'is a file, so that the report cannot'),
    ],
)
def test_bad_options(
    annotations: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert main(['evaluate', '--annotations', str(annotations), *options]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('predictor', ['uniform', 'image-oracle'])
def test_no_row(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], predictor: str
) -> None:
    # One row is one too few for the oracle, which leaves out the row itself.
    kept = 1 if predictor == 'image-oracle' else 0
    few = tmp_path / 'few.json'
    few.write_text(json.dumps(json.loads(annotations.read_text())[:kept]))
    assert main(['evaluate', '--annotations', str(few), '--predictor', predictor]) == 1
    assert 'no row to be measured' in capsys.readouterr().err


@pytest.mark.parametrize('protocol', ['rows256', 'pooled28'])
def test_a_report_of_annotations_alone(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    page = tmp_path / 'page.html'
    options = ('--predictor', 'action-prior', '--protocol', protocol, '--report', str(page))
    found = evaluate(capsys, annotations, *options, '--pictures', str(tmp_path / 'sheets'))
    count = 3 * min(6, found['rows'] // 3)
    assert page.read_text().count('<img') == 2 * count
    assert sorted(path.name for path in (tmp_path / 'sheets').iterdir()) == [
        'best.jpg', 'median.jpg', 'worst.jpg',
    ]  # fmt: skip


def test_hit_rate_and_peak_error_of_the_image_oracle(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oracle, guess = (
        evaluate(capsys, annotations, '--predictor', name) for name in ('image-oracle', 'uniform')
    )
    assert oracle['metrics']['hit_rate'] > guess['metrics']['hit_rate'] + 0.3
    assert oracle['metrics']['peak_error_median'] < guess['metrics']['peak_error_median'] - 5
    assert oracle['intervals']['peak_error_median'][0] > 0
