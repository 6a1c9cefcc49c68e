# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from afformer_core.evaluation.bootstrap import Estimate
from afformer_core.evaluation.tables import Table

TABLE = Table(
    'Accuracy',
    ('KLD', 'pairs'),
    {'model': [Estimate(0.5, 0.25, 1.0), 12], 'blind': [float('inf'), None]},
    ('lower is better',),
)


def test_markdown():
    assert TABLE.to_markdown().splitlines() == [
        '### Accuracy',
        '',
        '|       |                  KLD | pairs |',
        '|-------|---------------------:|------:|',
        '| model | 0.500 [0.250, 1.000] |    12 |',
        '| blind |                  inf |     - |',
        '',
        '- lower is better',
    ]


def test_json_is_strict_and_keyed_by_label_and_column():
    fields = json.loads(json.dumps(TABLE.to_json(), allow_nan=False))
    assert fields['rows']['model']['KLD'] == {'value': 0.5, 'low': 0.25, 'high': 1.0}
    assert fields['rows']['blind'] == {'KLD': 'inf', 'pairs': None}


def test_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match="row 'model' has 1 cells; it needs 2"):
        Table('Accuracy', ('KLD', 'SIM'), {'model': [1.0]})
