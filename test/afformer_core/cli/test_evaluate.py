# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate` with predictors that need no media, on annotations alone."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.cli.evaluate import _PREDICTORS, _PROTOCOLS
from afformer_core.cli.main import main
from afformer_core.evaluation.protocols.named_protocols import PROTOCOLS
from afformer_core.evaluation.report.baseline_report import BASELINE_PREDICTORS

# Rows enough for two chunks, on three images.
SAMPLES = 40


@pytest.fixture(scope='module')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    entries = [
        {
            'image_path': f'datasets/opra/images/{number % 3}.jpg',
            'video_path': f'datasets/opra/clips/{number}.mp4',
            'width': 256,
            'height': 256,
            'actions': [1 + number % 2],
            'heatmaps': [rng.integers(40, 120, (10, 2)).tolist()],
        }
        for number in range(SAMPLES)
    ]
    path = tmp_path_factory.mktemp('opra') / 'test.json'
    path.write_text(json.dumps(entries))
    return path


def evaluate(capsys: pytest.CaptureFixture[str], annotations: Path, *options: str) -> Any:
    assert main(['evaluate', '--annotations', str(annotations), *options, '--json', '-']) == 0
    return json.loads(capsys.readouterr().out)


def reached(found: Any, predictor: str, name: str) -> float:
    value: float = found['measures']['predictors'][predictor][name]['value']
    return value


def test_one_object_is_printed(annotations: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = evaluate(capfd, annotations, '--predictor', 'uniform')

    assert found['schema'] == 3
    assert found['facts']['annotations'] == str(annotations)
    assert found['facts']['protocol'] == 'rows256'
    measures = found['measures']
    assert measures['rows'] == SAMPLES
    uniform = measures['predictors']['uniform']
    assert uniform['kld']['count'] == SAMPLES
    assert uniform['kld']['low'] < uniform['kld']['value'] < uniform['kld']['high']
    # A map that is the same everywhere tells nothing.
    assert uniform['auc_j']['value'] == pytest.approx(0.5, abs=0.01)
    assert {name: each['rows'] for name, each in measures['by_action'].items()} == {
        'hold': SAMPLES // 2, 'touch': SAMPLES // 2,
    }  # fmt: skip


def test_the_options_are_what_there_is() -> None:
    assert ('model', *BASELINE_PREDICTORS) == _PREDICTORS
    assert tuple(PROTOCOLS) == _PROTOCOLS


def test_what_knows_more_is_nearer(annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ('uniform', 'action-prior', 'image-oracle')
    uniform, prior, oracle = (
        reached(evaluate(capsys, annotations, '--predictor', name), name, 'kld') for name in names
    )
    assert prior < uniform - 0.5
    assert oracle < uniform - 0.5


def test_sigma_is_that_of_the_gaussian(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broad, narrow = (
        evaluate(capsys, annotations, '--predictor', 'gaussian', '--sigma', sigma)
        for sigma in ('0.5', '0.15')
    )
    assert reached(broad, 'gaussian', 'kld') < reached(narrow, 'gaussian', 'kld')


def test_pooled_rows_are_images_and_actions(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluate(capsys, annotations, '--predictor', 'uniform', '--protocol', 'pooled28')
    assert found['measures']['rows'] == 3 * 2


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
        (
            ('--predictor', 'uniform', '--protocol', 'buttons'),
            'needs boxes of buttons, and test/0',
        ),
        (('--protocol', 'buttons'), 'needs boxes of buttons, and test/0'),
        (('--zooms', '1.5', '1.8', '--maximum-stages', '2'), 'leave out --maximum-stages'),
        (('--maximum-stages', '0'), 'maximum_stages is 0; expected at least 1'),
        (
            ('--predictor', 'uniform', '--report', __file__),
            'is a file, so it cannot contain the report',
        ),
    ],
)
def test_bad_options(
    annotations: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert main(['evaluate', '--annotations', str(annotations), *options]) == 1
    assert message in capsys.readouterr().err


def test_no_row(annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # One row is one too few for the oracle, which leaves out the row itself.
    few = tmp_path / 'few.json'
    few.write_text(json.dumps(json.loads(annotations.read_text())[:1]))
    assert main(['evaluate', '--annotations', str(few), '--predictor', 'image-oracle']) == 1
    assert 'no row to be measured' in capsys.readouterr().err


@pytest.mark.parametrize('protocol', ['rows256', 'pooled28'])
def test_a_report_of_annotations_alone(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    page = tmp_path / 'page.html'
    options = ('--predictor', 'action-prior', '--protocol', protocol, '--report', str(page))
    found = evaluate(capsys, annotations, *options)
    count = 3 * min(6, found['measures']['rows'] // 3)
    assert page.read_text().count('<img') == 2 * count


def test_hit_rate_and_peak_error_of_the_image_oracle(
    annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oracle, guess = (
        evaluate(capsys, annotations, '--predictor', name) for name in ('image-oracle', 'uniform')
    )
    knowing, baseline = (
        partial(reached, found, name)
        for found, name in ((oracle, 'image-oracle'), (guess, 'uniform'))
    )
    assert knowing('hit_rate') > baseline('hit_rate') + 0.3
    assert knowing('peak_error_median') < baseline('peak_error_median') - 5
    assert oracle['measures']['predictors']['image-oracle']['peak_error_median']['low'] > 0
