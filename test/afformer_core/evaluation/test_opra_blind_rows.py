# SPDX-License-Identifier: Apache-2.0
"""The blind rows on the released OPRA test annotations; a wrong protocol shows in the digits."""

from pathlib import Path

import pytest

from afformer_core.data.opra import OpraDataset
from afformer_core.evaluation.priors import CrossValidatedMeanMaps, centred_gaussian, uniform
from afformer_core.evaluation.protocols import RowsProtocol
from afformer_core.evaluation.scoring import score

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def scores(test_data: Path):
    protocol = RowsProtocol()
    rows = protocol.rows(OpraDataset(test_data / 'opra' / 'test.json'))
    assert len(rows) == 3785
    predictors = {
        'uniform': uniform(protocol.size),
        'gaussian': centred_gaussian(protocol.size),
        'mean': CrossValidatedMeanMaps(protocol, rows),
    }
    return score(protocol, rows, predictors, progress=False)


@pytest.mark.parametrize(
    ('predictor', 'measure', 'value'),
    [
        ('uniform', 'kld', 2.653),
        ('uniform', 'sim', 0.120),
        ('gaussian', 'kld', 2.523),
        ('gaussian', 'sim', 0.143),
        ('gaussian', 'auc_judd', 0.647),
        ('mean', 'kld', 2.334),
        ('mean', 'sim', 0.171),
        ('mean', 'auc_judd', 0.736),
    ],
)
def test_blind_predictor(scores, predictor, measure, value):
    assert getattr(scores[predictor], measure).mean() == pytest.approx(value, abs=6e-4)
