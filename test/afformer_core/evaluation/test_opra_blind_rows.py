# SPDX-License-Identifier: Apache-2.0
"""The blind rows on the released OPRA annotations; a wrong protocol shows in the digits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.cli.main import main

GAUSSIAN = ('gaussian', '--sigma', '0.3')


def measured(
    capsys: pytest.CaptureFixture[str], test_data: Path, protocol: str, *predictor: str
) -> dict[str, float]:
    annotations = str(test_data / 'opra' / 'test.json')
    arguments = ['--annotations', annotations, '--protocol', protocol, '--json', '-']
    assert main(['evaluate', *arguments, '--predictor', *predictor]) == 0
    measures = json.loads(capsys.readouterr().out)['measures']
    reached = measures['predictors'][predictor[0]]
    return {
        name: measure['value'] if isinstance(measure, dict) else measure
        for name, measure in reached.items()
    }


@pytest.mark.parametrize(
    ('predictor', 'kld', 'sim', 'auc_j'),
    [
        (('uniform',), 2.150, 0.194, 0.53),
        (GAUSSIAN, 2.039, 0.226, 0.647),
        (('action-prior',), 1.888, 0.256, 0.745),
        (('center-bias',), 11.02, 0.189, 0.618),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_pooled(
    capsys: pytest.CaptureFixture[str],
    test_data: Path,
    predictor: tuple[str, ...],
    kld: float,
    sim: float,
    auc_j: float,
) -> None:
    found = measured(capsys, test_data, 'pooled28', *predictor)
    assert found['rows'] == 921
    assert found['kld'] == pytest.approx(kld, abs=6e-4)
    assert found['sim'] == pytest.approx(sim, abs=6e-4)
    # "Center Bias" is published to two digits.
    digits = 2e-3 if predictor == ('center-bias',) else 6e-4
    assert found['auc_j'] == pytest.approx(auc_j, abs=digits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('predictor', 'rows', 'kld', 'sim', 'auc_j'),
    [
        (('uniform',), 3785, 2.653, 0.120, 0.5),
        (GAUSSIAN, 3785, 2.523, 0.143, 0.647),
        (('action-prior',), 3785, 2.334, 0.171, 0.736),
        (('image-oracle',), 3770, 1.829, None, None),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_rows(
    capsys: pytest.CaptureFixture[str],
    test_data: Path,
    predictor: tuple[str, ...],
    rows: int,
    kld: float,
    sim: float | None,
    auc_j: float | None,
) -> None:
    found = measured(capsys, test_data, 'rows256', *predictor)
    assert found['rows'] == rows
    assert found['kld'] == pytest.approx(kld, abs=6e-4)
    if sim is not None and auc_j is not None:
        assert found['sim'] == pytest.approx(sim, abs=6e-4)
        assert found['auc_j'] == pytest.approx(auc_j, abs=6e-4)
