# SPDX-License-Identifier: Apache-2.0
"""Tables from results whose numbers can be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.data.opra import OpraDataset
from afformer_core.evaluation.abstention import abstention_table
from afformer_core.evaluation.accuracy import accuracy_table
from afformer_core.evaluation.demonstration_use import demonstration_table, motion_table
from afformer_core.evaluation.model_run import Evidence, PairResult
from afformer_core.evaluation.pairs import choose_pairs
from afformer_core.evaluation.priors import uniform
from afformer_core.evaluation.protocols import RowsProtocol
from afformer_core.evaluation.scoring import RowScores

NAMES = ('press', 'hold')
PROTOCOL = RowsProtocol((32, 32))


def result(pair, kld, peak, action, swapped_kld, swapped_peak, reversed_action):
    other = 'hold' if action == 'press' else 'press'
    return PairResult(
        pair,
        PROTOCOL.rows([pair.sample]),
        RowScores(np.array([kld]), np.array([0.5]), np.array([0.9])),
        peak,
        {action: 0.8, other: 0.2},
        10.0,
        np.array([swapped_kld]),
        swapped_peak,
        reversed_action,
        Evidence(0.6, 0.9 if action == 'press' else 0.75),
        None if pair.foreign is None else Evidence(0.6, 0.65 if action == 'press' else 0.8),
    )


@pytest.fixture
def results(appliances):
    """Left, right, left, right; the second's peak and the fourth's action are wrong."""
    pairs = choose_pairs(list(OpraDataset(appliances)), limit=2)
    return [
        result(pairs[0], 0.5, (15, 20), 'press', 4.5, (45, 20), 'press'),
        result(pairs[1], 1.5, (15, 20), 'hold', 6.5, (15, 20), 'press'),
        result(pairs[2], 1.0, (14, 22), 'press', 5.0, (30, 40), 'hold'),
        result(pairs[3], 1.0, (45, 29), 'press', 4.0, (16, 22), 'hold'),
    ]


def test_accuracy_of_the_model(results):
    table = accuracy_table(
        results, PROTOCOL, {'uniform': uniform((32, 32))}, NAMES, 1, progress=False
    )
    cells = dict(zip(table.columns, table.rows['model'], strict=True))
    assert cells['KLD'].value == pytest.approx(1.0)
    assert cells['Top-1'].value == pytest.approx(0.75)
    assert cells['balanced accuracy'].value == pytest.approx(0.75)
    assert cells['peak inside'].value == pytest.approx(0.5)
    assert cells['nearest'].value == pytest.approx(0.75)


def test_blind_rows_stand_beside_the_model(results):
    table = accuracy_table(
        results, PROTOCOL, {'uniform': uniform((32, 32))}, NAMES, 1, progress=False
    )
    assert list(table.rows) == [
        'model', 'uniform', 'every element, not which', 'always hold', 'an element at random',
    ]  # fmt: skip
    rows = {
        label: dict(zip(table.columns, cells, strict=True)) for label, cells in table.rows.items()
    }
    assert rows['an element at random']['peak inside'] == 0.5
    assert rows['always hold']['Top-1'].value == pytest.approx(0.5)
    assert rows['uniform']['peak inside'] is None
    assert rows['every element, not which']['KLD'].value < rows['uniform']['KLD'].value


def test_actions_are_not_compared_across_vocabularies(results):
    table = accuracy_table(results, PROTOCOL, {}, ('press', 'touch'), 1, progress=False)
    cells = dict(zip(table.columns, table.rows['model'], strict=True))
    assert cells['Top-1'] is None
    assert cells['balanced accuracy'] is None
    assert motion_table(results, ('press', 'touch')) is None


def test_swapped_demonstrations(results):
    table = demonstration_table(results)
    kld, inside_own, inside_other = table.rows["another element's demonstration"]
    assert kld.value == pytest.approx(5.0)
    assert inside_own.value == pytest.approx(0.0)
    assert inside_other.value == pytest.approx(0.75)
    assert table.rows['its own demonstration'][1].value == pytest.approx(0.5)
    assert table.rows['rise in KLD'][0].value == pytest.approx(4.0)


def test_no_table_without_a_swap(results):
    alone = [
        replace(each, pair=replace(each.pair, swapped=None), swapped_kld=None, swapped_peak=None)
        for each in results
    ]
    assert demonstration_table(alone) is None


def test_motion(results):
    table = motion_table(results, NAMES)
    pairs, accuracy, constant, backwards = table.rows['button']
    assert pairs == 4
    assert accuracy.value == pytest.approx(0.75)
    assert constant == pytest.approx(0.5)
    assert backwards.value == pytest.approx(0.5)
    assert table.rows['all'][2] == pytest.approx(0.5)


def test_what_is_found_of_what_is_not_there(results):
    table = abstention_table(results)
    found = {row: cells[1].value for row, cells in table.rows.items()}
    assert found["another appliance's demonstration"] == pytest.approx(0.25)
    assert found['its own demonstration'] == pytest.approx(1.0)
    assert table.rows['its own demonstration, peak inside'][0] == 2
    # Three own ones at 0.9 and one at 0.75; three foreign ones at 0.65 and one at 0.8.
    assert '0.938' in table.notes[0]


def test_no_table_without_another_appliance(results):
    alone = [replace(one, foreign_evidence=None) for one in results]
    assert abstention_table(alone) is None
