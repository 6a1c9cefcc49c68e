# SPDX-License-Identifier: Apache-2.0
"""The reliability diagram of certainty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip('matplotlib')

from tools.reliability_diagram import main

GROUPS = {
    'fifth 1': {'pairs': 17, 'said': 0.39, 'right': {'value': 0.24, 'low': 0.06, 'high': 0.47}},
    'fifth 2': {'pairs': 9, 'said': 0.71, 'right': {'value': 0.82, 'low': 0.65, 'high': 1.0}},
}


def test_each_group_has_its_number_of_pairs_and_the_same_file_comes_again(tmp_path: Path) -> None:
    evaluation, output = tmp_path / 'pairs.json', tmp_path / 'certainty.svg'
    evaluation.write_text(json.dumps({'measures': {'certainty': {'model': GROUPS}}}))

    main([str(evaluation), str(output)])

    drawn = output.read_text()
    assert '>17</text>' in drawn
    assert '>9</text>' in drawn
    assert 'share of best points inside the part' in drawn
    main([str(evaluation), str(output)])
    assert output.read_text() == drawn
