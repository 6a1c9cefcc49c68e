# SPDX-License-Identifier: Apache-2.0
"""Tables from results whose numbers can be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.data.opra import OpraDataset
from afformer_core.evaluation.abstention import abstention_table
from afformer_core.evaluation.accuracy import accuracy_table, peak_table
from afformer_core.evaluation.comparison import compare
from afformer_core.evaluation.demonstration_use import demonstration_table, motion_table
from afformer_core.evaluation.pair_result import Evidence, PairResult
from afformer_core.evaluation.pairs import choose_pairs
from afformer_core.evaluation.peak_measures import measure_peaks
from afformer_core.evaluation.priors import uniform
from afformer_core.evaluation.protocols import RowsProtocol
from afformer_core.evaluation.reliability import reliability_table
from afformer_core.evaluation.scoring import RowScores
from afformer_core.runtime.presence import PresenceCalibration

NAMES = ('press', 'hold')
PROTOCOL = RowsProtocol((32, 32))


def result(pair, kld, peak, action, swapped_kld, swapped_peak, reversed_action, frozen_action):
    other = 'hold' if action == 'press' else 'press'
    rows = PROTOCOL.rows([pair.sample])
    peaks = measure_peaks(rows, PROTOCOL.truths(rows), [np.array([peak])])
    return PairResult(
        pair,
        rows,
        RowScores(np.array([kld]), np.array([0.5]), np.array([0.9]), peaks),
        peak,
        bool(peaks.inside[0]),
        {action: 0.8, other: 0.2},
        10.0,
        np.array([swapped_kld]),
        swapped_peak,
        reversed_action,
        frozen_action,
        Evidence(0.6, 0.9 if action == 'press' else 0.75),
        None if pair.foreign is None else Evidence(0.6, 0.65 if action == 'press' else 0.8),
    )


@pytest.fixture
def results(appliances):
    """Left, right, left, right; the second's peak and the fourth's action are wrong."""
    pairs = choose_pairs(list(OpraDataset(appliances)), limit=2)
    return [
        result(pairs[0], 0.5, (15, 20), 'press', 4.5, (45, 20), 'press', 'hold'),
        result(pairs[1], 1.5, (15, 20), 'hold', 6.5, (15, 20), 'press', 'hold'),
        result(pairs[2], 1.0, (14, 22), 'press', 5.0, (30, 40), 'hold', 'hold'),
        result(pairs[3], 1.0, (45, 29), 'press', 4.0, (16, 22), 'hold', 'hold'),
    ]


def compared(results):
    return compare(results, PROTOCOL, {'uniform': uniform((32, 32))}, progress=False)


def cells_of(table, label='model'):
    return dict(zip(table.columns, table.rows[label], strict=True))


def test_accuracy_of_the_model(results):
    cells = cells_of(accuracy_table(compared(results), results, NAMES, 1))
    assert cells['KLD'].value == pytest.approx(1.0)
    assert cells['Top-1'].value == pytest.approx(0.75)
    assert cells['balanced accuracy'].value == pytest.approx(0.75)


def test_peaks_of_the_model(results):
    cells = cells_of(peak_table(compared(results)))
    assert cells['peak inside'].value == pytest.approx(0.5)
    assert cells['nearest'].value == pytest.approx(0.75)
    # The third is off by (-1, 1), the fourth by 8 pixels; 80 is the diagonal of 64x48.
    errors = np.array([0, 30, np.hypot(1, 1), 8]) / 80 * 100
    assert cells['mean peak error, %'].value == pytest.approx(errors.mean())
    assert cells['median peak error, %'].value == pytest.approx(np.median(errors))
    assert cells['hit rate'].value == pytest.approx(0.5)


def test_blind_rows_stand_beside_the_model(results):
    comparison = compared(results)
    accuracy = accuracy_table(comparison, results, NAMES, 1)
    assert list(accuracy.rows) == ['model', 'uniform', 'every element, not which', 'always hold']
    assert cells_of(accuracy, 'always hold')['Top-1'].value == pytest.approx(0.5)
    every = cells_of(accuracy, 'every element, not which')['KLD'].value
    assert every < cells_of(accuracy, 'uniform')['KLD'].value
    peaks = peak_table(comparison)
    assert list(peaks.rows) == [
        'model', 'uniform', 'every element, not which', 'an element at random',
    ]  # fmt: skip
    assert cells_of(peaks, 'an element at random')['peak inside'] == 0.5
    assert cells_of(peaks, 'uniform')['peak inside'] is None
    # A guess anywhere hits as often as the region is large.
    assert 0 < cells_of(peaks, 'uniform')['hit rate'].value < 0.2


def test_actions_are_not_compared_across_vocabularies(results):
    table = accuracy_table(compared(results), results, ('press', 'touch'), 1)
    cells = cells_of(table)
    assert cells['Top-1'] is None
    assert cells['balanced accuracy'] is None
    assert 'the model knows press, hold, the annotations name press, touch' in table.notes[-1]
    assert 'actions.txt names them all' in table.notes[-1]
    assert motion_table(results, ('press', 'touch')) is None


def test_a_model_without_actions_is_said_to_score_none(results):
    heatmaps = [replace(each, action_scores={}) for each in results]
    table = accuracy_table(compared(results), heatmaps, NAMES, 1)
    assert cells_of(table)['Top-1'] is None
    assert table.notes[-1] == 'Actions are not measured: the model scores none.'


def test_swapped_demonstrations(results):
    table = demonstration_table(results, PROTOCOL)
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
    assert demonstration_table(alone, PROTOCOL) is None


def test_motion(results):
    table = motion_table(results, NAMES)
    pairs, accuracy, constant, backwards, frozen = table.rows['button']
    assert pairs == 4
    assert accuracy.value == pytest.approx(0.75)
    assert constant == pytest.approx(0.5)
    assert backwards.value == pytest.approx(0.5)
    assert frozen.value == pytest.approx(0.5)
    assert table.rows['all'][2] == pytest.approx(0.5)


def test_motion_balanced_over_the_actions(results):
    """Two are pressed, one is held, of which the first and the last action is right."""
    pairs, accuracy, constant, backwards, frozen = motion_table(results[:3], NAMES).rows[
        'all, balanced over the actions'
    ]
    assert pairs == 3
    assert accuracy.value == pytest.approx(1.0)
    assert constant == pytest.approx(0.5)
    assert backwards.value == pytest.approx((1 / 2 + 0) / 2)
    assert frozen.value == pytest.approx((0 + 1) / 2)


def test_what_is_found_of_what_is_not_there(results):
    table = abstention_table(results)
    found = {row: cells[1].value for row, cells in table.rows.items()}
    assert found["another appliance's demonstration"] == pytest.approx(0.25)
    assert found['its own demonstration'] == pytest.approx(1.0)
    assert table.rows['its own demonstration, peak inside'][0] == 2
    areas = dict(zip(table.columns, table.rows["another appliance's demonstration"], strict=True))
    # Three own ones at 0.9 and one at 0.75; three foreign ones at 0.65 and one at 0.8.
    assert areas['AUROC of resemblance'].value == pytest.approx(15 / 16)
    assert areas['AUROC of confidence'].value == pytest.approx(0.5)


# Even odds at a resemblance of 0.7.
CALIBRATION = PresenceCalibration(0.0, 20.0, -14.0, 0.8, 0.9, 40, 'validation.json')


def test_a_calibrated_model_finds_by_its_own_threshold(results):
    table = abstention_table(results, CALIBRATION)
    cells = cells_of(table, "another appliance's demonstration")
    # 0.9 and 0.8 are above 0.8 by the calibration, 0.75 and 0.65 are not.
    assert cells['found'].value == pytest.approx(0.25)
    assert table.rows['its own demonstration'][1].value == pytest.approx(0.75)
    assert cells['AUROC of presence'].value == pytest.approx(15 / 16)
    assert 'presence at least 0.800' in table.notes[0]


def test_presence_and_peaks_are_compared_with_what_was_so(results):
    table = reliability_table(results, CALIBRATION)
    presence = cells_of(table, 'presence: the image shows it')
    high, middle, low = (CALIBRATION.presence(0.6, each) for each in (0.9, 0.75, 0.65))
    foreign = CALIBRATION.presence(0.6, 0.8)
    assert presence['images'] == 8
    assert presence['right'] == pytest.approx(0.5)
    # 0.98, 0.73, 0.27 and 0.88 are in bins of their own.
    error = 3 * (1 - high) + (1 - middle) + 3 * low + foreign
    assert presence['expected calibration error'] == pytest.approx(error / 8)
    # It said 0.6 of four, of which two were right.
    peak = cells_of(table, 'confidence: the peak is inside')
    assert peak['expected calibration error'] == pytest.approx(0.1)


def test_what_is_not_calibrated_has_no_table_of_it(results):
    assert reliability_table(results, None) is None


def test_no_table_without_another_appliance(results):
    alone = [replace(one, foreign_evidence=None) for one in results]
    assert abstention_table(alone) is None
