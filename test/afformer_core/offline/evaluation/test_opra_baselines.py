# SPDX-License-Identifier: Apache-2.0
"""Baseline rows on the released OPRA annotations; a wrong protocol shows in the digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.baselines import (
    center_bias,
    centred_gaussian,
    cross_validated_mean_maps,
    uniform,
)
from afformer_core.offline.evaluation.metrics import score
from afformer_core.offline.evaluation.protocols import (
    PROTOCOLS,
    Predictor,
    ProtocolRow,
    RowsProtocol,
)

PREDICTORS: dict[str, Callable[[RowsProtocol, Sequence[ProtocolRow]], Predictor]] = {
    'uniform': lambda protocol, rows: uniform(protocol.size),
    'gaussian': lambda protocol, rows: centred_gaussian(protocol.size),
    'action mean map': cross_validated_mean_maps,
    'center bias': lambda protocol, rows: center_bias(protocol),
}


@pytest.mark.parametrize(
    ('protocol', 'count', 'predictor', 'expected'),
    [
        ('pooled28', 921, 'uniform', (2.150, 0.194, 0.53)),
        ('pooled28', 921, 'gaussian', (2.039, 0.226, 0.647)),
        ('pooled28', 921, 'action mean map', (1.888, 0.256, 0.745)),
        ('pooled28', 921, 'center bias', (11.0195, 0.189, 0.617)),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (
                ('rows28', 3785, 'uniform', (2.653, 0.120, 0.533)),
                ('rows28', 3785, 'gaussian', (2.522, 0.143, 0.665)),
                ('rows28', 3785, 'action mean map', (2.333, 0.171, 0.750)),
                ('rows28', 3785, 'center bias', (11.1295, 0.143, 0.635)),
                ('rows256', 3785, 'uniform', (2.653, 0.120, 0.5)),
                ('rows256', 3785, 'gaussian', (2.523, 0.143, 0.647)),
                ('rows256', 3785, 'action mean map', (2.334, 0.171, 0.736)),
            )
        ),
    ],
)
def test_baselines(
    test_data: Path,
    protocol: str,
    count: int,
    predictor: str,
    expected: tuple[float, float, float],
) -> None:
    measured = PROTOCOLS[protocol]()
    rows = measured.rows(open_annotations(test_data / 'opra' / 'test.json'))
    predictors = {predictor: PREDICTORS[predictor](measured, rows)}
    scores = score(measured, rows, predictors)[predictor]
    assert len(rows) == count
    found = [scores[name].mean() for name in ('kld', 'sim', 'auc_j')]
    assert found == pytest.approx(expected, abs=6e-4)
