# SPDX-License-Identifier: Apache-2.0
"""Numbers and tables of results that can be counted by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.baselines import BaselinePrior, uniform
from afformer_core.offline.evaluation.metrics import score
from afformer_core.offline.evaluation.pairs.actions import (
    hit_actions,
    notes_on_actions,
    right_actions,
)
from afformer_core.offline.evaluation.pairs.pair_measures import (
    measure_abstention,
    measure_demonstration_use,
    measure_model,
    measure_predictors,
)
from afformer_core.offline.evaluation.pairs.pair_tables import model_tables, predictor_tables
from afformer_core.offline.evaluation.protocols import ButtonsProtocol, RowsProtocol
from afformer_core.runtime.calibrations import PresenceCalibration

NAMES = ('press', 'hold')
PROTOCOL = RowsProtocol((32, 32))
# Even odds at a feature similarity of 0.7.
CALIBRATION = PresenceCalibration(0.0, 20.0, -14.0, 0.8, 0.9, 40, 'validation.json', 'ab12')


def measured(results, calibration=None):
    prior = BaselinePrior(None, '', 1)
    return measure_model(results, PROTOCOL, prior, NAMES, calibration)


def values(measures):
    """Values of estimates, and all other numbers as they are."""
    return {
        name: values(cell) if isinstance(cell, dict) else getattr(cell, 'value', cell)
        for name, cell in measures.items()
    }


def test_accuracy_and_peaks_of_the_model(results):
    model = measured(results)['predictors']['model']
    # The third is off by (-1, 1), the fourth by 8 pixels; 80 is the diagonal of 64x48.
    errors = np.array([0, 30, np.hypot(1, 1), 8]) / 80 * 100
    assert values(model) == pytest.approx(
        {
            'rows': 4,
            'kld': 1.0,
            'sim': 0.5,
            'auc_j': 0.9,
            'hit_rate': 0.5,
            'peak_error_mean': errors.mean(),
            'peak_error_median': np.median(errors),
            'peak_inside': 0.5,
            'nearest': 0.75,
            'top_1': 0.75,
            'balanced_accuracy': 0.75,
            'which_button': None,
            'which_button_above_chance': None,
        }
    )
    assert (model['kld'].count, model['top_1'].count) == (4, 4)


def test_baseline_predictors_are_measured_beside_the_model(results):
    found = measured(results)['predictors']
    assert list(found) == [
        'model', 'uniform', 'centred_gaussian', 'every_element', 'constant_action',
        'random_element',
    ]  # fmt: skip
    assert found['constant_action']['top_1'].value == pytest.approx(0.5)
    assert found['constant_action']['kld'] is None
    assert found['every_element']['kld'].value < found['uniform']['kld'].value
    assert found['every_element']['top_1'] is None
    assert found['random_element']['peak_inside'] == found['random_element']['nearest'] == 0.5
    assert found['random_element']['which_button'] is None
    assert found['uniform']['peak_inside'] is None
    # A guess anywhere hits as often as the region is large: 21 of the 1024 pixels, a disc.
    assert found['uniform']['hit_rate'].value == pytest.approx(21 / 1024, abs=0.012)


def test_actions_are_not_compared_across_vocabularies(results):
    names = ('press', 'touch')
    assert set(hit_actions(results, names).measure().values()) == {None}
    (note,) = notes_on_actions(results[0].action_scores, names)
    assert 'the model knows press, hold, the annotations name press, touch' in note
    assert 'actions.txt names them all' in note


def test_a_model_without_actions_is_said_to_score_none(results):
    heatmaps = [replace(each, action_scores={}) for each in results]
    assert hit_actions(heatmaps, NAMES).measure()['top_1'] is None
    assert notes_on_actions({}, NAMES) == ('Actions are not measured: the model scores none.',)
    assert notes_on_actions(('Hold', 'press'), NAMES) == ()


@pytest.mark.parametrize(('actions', 'count'), [([1], 1), ([0], 0), ([2, 0, 2], 1), ([2, 1], 2)])
def test_as_many_answers_count_as_there_are_distinct_actions(actions, count):
    scores = {'press': 0.1, 'pick_up': 0.5, 'hold': 0.4}
    assert right_actions(scores, actions, ('press', 'pick up', 'hold')) == count


def test_hard_negative_demonstrations(results):
    use = measure_demonstration_use(results, PROTOCOL)
    assert values(use) == {
        'pairs': 4,
        'of_elements': True,
        'own': {'kld': 1.0, 'peak_in_own_region': 0.5, 'peak_in_other_region': 0.25},
        'hard_negative': {'kld': 5.0, 'peak_in_own_region': 0.0, 'peak_in_other_region': 0.75},
        'kld_rise': 4.0,
    }


def test_what_is_found_of_what_is_not_there(results):
    own = {
        'pairs': 4, 'found': 1.0, 'median_confidence': 0.6, 'median_feature_similarity': 0.9,
    }  # fmt: skip
    abstention = measure_abstention(results)
    assert values(abstention) == {
        'of_scenes': True,
        # The third, whose peak is beside the point, is at 0.9 as well.
        'own_right': {**own, 'pairs': 2},
        'own': own,
        'negative': {**own, 'found': 0.25, 'median_feature_similarity': 0.65},
        # Three own ones at 0.9 and one at 0.75; three negative ones at 0.65 and one at 0.8.
        'auroc': {'confidence': 0.5, 'feature_similarity': 15 / 16},
    }
    assert abstention['auroc']['confidence'].count == 8


def test_nothing_right_is_nothing_found(results):
    wrong = [replace(each, is_right=False) for each in results]
    assert measure_abstention(wrong)['own_right'] == {
        'pairs': 0, 'found': None, 'median_confidence': None, 'median_feature_similarity': None,
    }  # fmt: skip


def test_a_calibrated_model_finds_by_its_own_threshold(results):
    abstention = measured(results, CALIBRATION)['abstention']
    # 0.9 and 0.8 are above 0.8 by the calibration, 0.75 and 0.65 are not.
    assert abstention['negative']['found'].value == pytest.approx(0.25)
    assert abstention['own']['found'].value == pytest.approx(0.75)
    assert values(abstention['auroc']) == {'presence': pytest.approx(15 / 16)}
    _, table, _ = model_tables(measured(results, CALIBRATION), 'rows32', CALIBRATION)
    assert 'presence at least 0.800' in table.notes[0]
    right = [replace(each, is_right=True) for each in results]
    assert measure_abstention(right, CALIBRATION)['own_right']['found'].value == 0.75


def box(x, half):
    return np.array([[x - half, 16 - half], [x + half, 16 - half], [x + half, 16 + half],
                     [x - half, 16 + half]], float)  # fmt: skip


def sample(number, element, boxes):
    count = len(boxes)
    scene = KnownElements(
        f'panel{number}', element, tuple(boxes), ('button',) * count, (True,) * count
    )
    points = boxes[element].mean(0, keepdims=True)
    paths = Path(f'{number}.mp4'), Path(f'{number}.jpg')
    return Sample(str(number), *paths, (64, 32), (0,), (points,), scene)


# A narrow button beside a wide one, and four equal ones; chances are a half, a half and a quarter.
TWO = [box(10, 3), box(40, 14)]
FOUR = [box(8, 4), box(24, 4), box(40, 4), box(56, 4)]
BUTTONS = ButtonsProtocol((32, 64))
ROWS = BUTTONS.rows([sample(0, 0, TWO), sample(1, 1, TWO), sample(2, 2, FOUR)])


def peaked(x):
    """A broad hill, of which more lies in the wide box than in the narrow one."""
    columns, rows = np.meshgrid(np.arange(64), np.arange(32))
    hill = 1 + np.exp(-((columns - x) ** 2 + (rows - 16) ** 2) / 200)
    return np.asarray(hill / hill.sum(), np.float32)


@pytest.mark.parametrize(
    ('predictor', 'right'),
    [
        # At 10 the first and nothing else is right, at 20 it is still the nearer of two.
        (lambda index, row: peaked(10), 1 / 3),
        (lambda index, row: peaked(20), 1 / 3),
        # Without a peak, it is a guess.
        (uniform((32, 64)), 5 / 12),
    ],
)
def test_the_chosen_button_is_where_the_peak_is_and_not_where_most_probability_is(
    predictor, right
):
    assert peaked(10)[2:31, 26:55].sum() > peaked(10)[13:20, 7:14].sum()
    scores = score(BUTTONS, ROWS, {'one': predictor})
    found = measure_predictors(ROWS, scores, {}, of_buttons=True)
    assert found['one']['which_button'].value == pytest.approx(right)
    assert found['one']['which_button_above_chance'].value == pytest.approx(right - 5 / 12)
    assert found['random_element']['which_button'] == pytest.approx(5 / 12)
    table = predictor_tables('buttons', found, {name: name for name in found}, ROWS)[-1]
    assert list(table.rows) == ['one', 'a button at random']
    assert table.notes[0].startswith('3 rows with 2.7 buttons in the image')
