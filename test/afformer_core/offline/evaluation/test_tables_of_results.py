# SPDX-License-Identifier: Apache-2.0
"""Numbers and tables of results that can be counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.offline.evaluation.baselines import uniform
from afformer_core.offline.evaluation.pairs.comparison import compare
from afformer_core.offline.evaluation.protocols.protocols import RowsProtocol
from afformer_core.offline.evaluation.tables.abstention import abstention_table, measure_abstention
from afformer_core.offline.evaluation.tables.accuracy import (
    accuracy_table,
    measure_constant_action,
    measure_model_actions,
    measure_predictors,
    notes_on_actions,
    peak_table,
)
from afformer_core.offline.evaluation.tables.counterfactual_tables import (
    demonstration_table,
    measure_demonstration_use,
)
from afformer_core.runtime.presence import PresenceCalibration, PresenceFeatures

NAMES = ('press', 'hold')
PROTOCOL = RowsProtocol((32, 32))


def compared(results):
    return compare(results, PROTOCOL, {'uniform': uniform((32, 32))}, progress=False)


def predictors(results):
    actions = {
        'model': measure_model_actions(results, NAMES),
        'constant_action': measure_constant_action(results, 1),
    }
    return measure_predictors(compared(results), actions)


def test_accuracy_of_the_model(results):
    model = predictors(results)['model']
    assert model.rows == 4
    assert model.kld.value == pytest.approx(1.0)
    assert model.top_1.value == pytest.approx(0.75)
    assert model.balanced_accuracy.value == pytest.approx(0.75)
    assert (model.kld.count, model.top_1.count) == (4, 4)


def test_peaks_of_the_model(results):
    model = predictors(results)['model']
    assert model.peak_inside.value == pytest.approx(0.5)
    assert model.nearest.value == pytest.approx(0.75)
    # The third is off by (-1, 1), the fourth by 8 pixels; 80 is the diagonal of 64x48.
    errors = np.array([0, 30, np.hypot(1, 1), 8]) / 80 * 100
    assert model.peak_error_mean.value == pytest.approx(errors.mean())
    assert model.peak_error_median.value == pytest.approx(np.median(errors))
    assert model.hit_rate.value == pytest.approx(0.5)


def test_baseline_predictors_are_measured_beside_the_model(results):
    found = predictors(results)
    assert list(found) == [
        'model', 'uniform', 'every_element', 'constant_action', 'random_element',
    ]  # fmt: skip
    assert found['constant_action'].top_1.value == pytest.approx(0.5)
    assert found['constant_action'].kld is None
    assert found['every_element'].kld.value < found['uniform'].kld.value
    assert found['every_element'].top_1 is None
    assert found['random_element'].peak_inside == 0.5
    assert found['random_element'].nearest == 0.5
    assert found['random_element'].which_button is None
    assert found['uniform'].peak_inside is None
    # A guess anywhere hits as often as the region is large: 21 of the 1024 pixels, a disc.
    assert found['uniform'].hit_rate.value == pytest.approx(21 / 1024, abs=0.012)


def test_rows_of_the_tables(results):
    found = predictors(results)
    labels = {name: name.replace('_', ' ') for name in found}
    accuracy = accuracy_table('rows32', found, labels)
    assert list(accuracy.rows) == ['model', 'uniform', 'every element', 'constant action']
    peaks = peak_table(found, labels)
    assert list(peaks.rows) == ['model', 'uniform', 'every element', 'random element']
    assert peaks.rows['random element'] == [None, None, None, 0.5, 0.5]


def test_actions_are_not_compared_across_vocabularies(results):
    names = ('press', 'touch')
    found = measure_model_actions(results, names)
    assert (found.top_1, found.balanced_accuracy) == (None, None)
    (note,) = notes_on_actions(results[0].action_scores, names)
    assert 'the model knows press, hold, the annotations name press, touch' in note
    assert 'actions.txt names them all' in note


def test_a_model_without_actions_is_said_to_score_none(results):
    heatmaps = [replace(each, action_scores={}) for each in results]
    assert measure_model_actions(heatmaps, NAMES).top_1 is None
    assert notes_on_actions({}, NAMES) == ('Actions are not measured: the model scores none.',)
    assert notes_on_actions(('Hold', 'press'), NAMES) == ()


def test_hard_negative_demonstrations(results):
    use = measure_demonstration_use(results, PROTOCOL)
    assert (use.pairs, use.of_elements) == (4, True)
    assert use.own.kld.value == pytest.approx(1.0)
    assert use.own.peak_in_own_region.value == pytest.approx(0.5)
    assert use.own.peak_in_other_region.value == pytest.approx(0.25)
    assert use.hard_negative.kld.value == pytest.approx(5.0)
    assert use.hard_negative.peak_in_own_region.value == pytest.approx(0.0)
    assert use.hard_negative.peak_in_other_region.value == pytest.approx(0.75)
    assert use.kld_rise.value == pytest.approx(4.0)


def test_the_table_of_hard_negative_demonstrations(results):
    table = demonstration_table(measure_demonstration_use(results, PROTOCOL))
    cells = {
        label: [None if cell is None else cell.value for cell in row]
        for label, row in table.rows.items()
    }
    assert table.columns == ('KLD', 'peak in its region', 'peak in the other region')
    assert cells == {
        'its own demonstration': [1.0, 0.5, 0.25],
        'another demonstration': [5.0, 0.0, 0.75],
        'rise in KLD': [4.0, None, None],
    }


def test_no_numbers_without_a_swap(results):
    alone = [
        replace(
            each,
            pair=replace(each.pair, hard_negative=None),
            hard_negative_kld=None,
            hard_negative_peak=None,
        )
        for each in results
    ]
    assert measure_demonstration_use(alone, PROTOCOL) is None


def test_what_is_found_of_what_is_not_there(results):
    abstention = measure_abstention(results)
    assert abstention.of_scenes
    assert (abstention.own_right.pairs, abstention.own.pairs, abstention.negative.pairs) == (
        2,
        4,
        4,
    )
    assert abstention.own_right.found.value == 1.0
    assert abstention.own.found.value == 1.0
    assert abstention.negative.found.value == 0.25
    assert abstention.own.median_feature_similarity == 0.9
    assert abstention.negative.median_feature_similarity == 0.65
    assert abstention.own.median_confidence == 0.6
    # Three own ones at 0.9 and one at 0.75; three negative ones at 0.65 and one at 0.8.
    assert abstention.auroc['feature_similarity'].value == pytest.approx(15 / 16)
    assert abstention.auroc['confidence'].value == pytest.approx(0.5)
    assert abstention.auroc['confidence'].count == 8


def test_the_table_of_what_is_found(results):
    table = abstention_table(measure_abstention(results), None)
    assert table.columns == (
        'pairs', 'found', 'median confidence', 'median feature similarity',
        'AUROC of confidence', 'AUROC of feature similarity',
    )  # fmt: skip
    negative = table.rows["another scene's demonstration"]
    assert [getattr(cell, 'value', cell) for cell in negative] == [4, 0.25, 0.6, 0.65, 0.5, 0.9375]
    own = table.rows['its own demonstration']
    assert [getattr(cell, 'value', cell) for cell in own] == [4, 1.0, 0.6, 0.9, None, None]
    assert next(iter(table.rows)) == 'its own demonstration, peak inside'


def test_nothing_right_is_nothing_found(results):
    wrong = [replace(each, is_right=False) for each in results]
    right = measure_abstention(wrong).own_right
    assert vars(right) == {
        'pairs': 0, 'found': None, 'median_confidence': None, 'median_feature_similarity': None,
    }  # fmt: skip


# Even odds at a feature similarity of 0.7.
CALIBRATION = PresenceCalibration(0.0, 20.0, -14.0, 0.8, 0.9, 40, 'validation.json', 'ab12')


def presence_at(feature_similarity: float) -> float:
    return CALIBRATION.presence(PresenceFeatures(0.6, feature_similarity))


def test_a_calibrated_model_finds_by_its_own_threshold(results):
    abstention = measure_abstention(results, CALIBRATION)
    # 0.9 and 0.8 are above 0.8 by the calibration, 0.75 and 0.65 are not.
    assert abstention.negative.found.value == pytest.approx(0.25)
    assert abstention.own.found.value == pytest.approx(0.75)
    assert list(abstention.auroc) == ['presence']
    assert abstention.auroc['presence'].value == pytest.approx(15 / 16)
    assert 'presence at least 0.800' in abstention_table(abstention, CALIBRATION).notes[0]


def test_what_is_right_is_found_by_the_calibration_too(results):
    right = [replace(each, is_right=True) for each in results]
    assert measure_abstention(right, CALIBRATION).own_right.found.value == 0.75
    assert measure_abstention(right).own_right.found.value == 1.0


def test_no_abstention_without_another_scene(results):
    alone = [replace(one, negative_presence_features=None) for one in results]
    assert measure_abstention(alone) is None
