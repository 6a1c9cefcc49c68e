# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.baselines import uniform
from afformer_core.offline.evaluation.metrics.scoring import score
from afformer_core.offline.evaluation.pairs.comparison import Comparison
from afformer_core.offline.evaluation.protocols.buttons_protocol import ButtonsProtocol
from afformer_core.offline.evaluation.tables.accuracy import measure_predictors
from afformer_core.offline.evaluation.tables.which_button import button_table, measure_buttons

PROTOCOL = ButtonsProtocol((32, 64))


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


# A narrow button beside a wide one, and four equal ones.
TWO = [box(10, 3), box(40, 14)]
FOUR = [box(8, 4), box(24, 4), box(40, 4), box(56, 4)]
ROWS = PROTOCOL.rows([sample(0, 0, TWO), sample(1, 1, TWO), sample(2, 2, FOUR)])


def peaked(x):
    """A broad hill, of which more lies in the wide box than in the narrow one."""
    columns, rows = np.meshgrid(np.arange(64), np.arange(32))
    hill = 1 + np.exp(-((columns - x) ** 2 + (rows - 16) ** 2) / 200)
    return np.asarray(hill / hill.sum(), np.float32)


def measured(predictor):
    scores = score(PROTOCOL, ROWS, {'one': predictor}, progress=False)
    return measure_buttons(scores['one'], ROWS)


def test_the_chosen_button_is_where_the_peak_is_and_not_where_most_probability_is():
    # At 10 the first and nothing else is right, at 20 it is still the nearer of two.
    for x in (10, 20):
        found = measured(lambda index, row, x=x: peaked(x))
        assert found.which_button.value == pytest.approx(1 / 3)
        # Chances are a half, a half and a quarter.
        assert found.which_button_above_chance.value == pytest.approx(1 / 3 - 5 / 12)
    assert peaked(10)[2:31, 26:55].sum() > peaked(10)[13:20, 7:14].sum()


def test_a_heatmap_without_a_peak_is_a_guess():
    found = measured(uniform((32, 64)))
    assert found.which_button.value == pytest.approx(5 / 12)
    assert found.which_button_above_chance.value == pytest.approx(0)


def test_chance_stands_beside_a_predictor():
    scores = score(PROTOCOL, ROWS, {'uniform': uniform((32, 64))}, progress=False)
    found = measure_predictors(Comparison('buttons', ROWS, scores, of_buttons=True), {})
    assert found['random_element'].which_button == pytest.approx(5 / 12)
    table = button_table(ROWS, found, {name: name for name in found})
    assert list(table.rows) == ['uniform', 'random_element']
    assert table.notes[0].startswith('3 rows with 2.7 buttons in the image')
