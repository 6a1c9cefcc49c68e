# SPDX-License-Identifier: Apache-2.0
"""Two models on the same rows: differences that can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.model_differences import (
    ModelRows,
    measure_differences,
    tells_apart,
)
from afformer_core.offline.evaluation.pairs.actions import ActionHits
from afformer_core.offline.evaluation.protocols import ProtocolRow
from afformer_core.offline.reports.bootstrap import Estimate

from .conftest import described

NAN = float('nan')
POINT = np.array([[3.0, 4.0]])


def row(number: int, group: str) -> ProtocolRow:
    path = Path(f'{group}.jpg')
    sample = Sample(f'test/{number}', Path('a.mp4'), path, (64, 48), (0,), (POINT,))
    return ProtocolRow(0, group, POINT, (64, 48), str(path), sample)


# Two rows of each of two images.
ROWS = tuple(row(number, 'ab'[number // 2]) for number in range(4))


def model(
    kld: Sequence[float],
    hit: Sequence[float] = (0, 0, 0, 0),
    best: Sequence[float] = (NAN, NAN, NAN, NAN),
    rows: tuple[ProtocolRow, ...] = ROWS,
) -> ModelRows:
    ones = np.ones(len(kld))
    scores = {
        'kld': np.array(kld, float),
        'sim': ones,
        'auc_j': ones,
        'hit_rate': np.array(hit, float),
        'peak_error': ones,
        'peak_inside': NAN * ones,
        'nearest': NAN * ones,
    }
    groups = tuple(each.group for each in rows)
    hits = ActionHits(np.array(best, float), np.array(best, float), groups, (0, 1, 1, 1))
    return ModelRows('rows256', rows, scores, hits)


def difference(first: ModelRows, other: ModelRows) -> Estimates:
    return measure_differences({'first': first, 'other': other})['other']


def test_differences_are_those_of_the_other_to_the_first() -> None:
    found = difference(model([1, 2, 3, 4], (1, 0, 1, 1)), model([2, 2, 2, 5], (1, 1, 0, 1)))
    # Of the first image 0.5 on average, of the second 0: all that drawing images can give.
    assert (found['kld'].value, found['kld'].low, found['kld'].high) == (0.25, 0.0, 0.5)
    assert found['kld'].count == found['rows'] == 4
    assert found['hit_rate'].value == 0
    assert (found['hit_rate'].low, found['hit_rate'].high) == (-0.5, 0.5)
    assert found['better_rows'].value == 0.375


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('kld', 1), ('sim', 2), ('auc_j', 3), ('hit_rate', 4), ('peak_error_mean', 5),
        ('peak_inside', 6), ('nearest', 7),
    ],
)  # fmt: skip
def test_each_measure_is_that_of_the_other_less_that_of_the_first(name: str, value: float) -> None:
    first = model([0, 0, 0, 0])
    nothing = {known: np.zeros(4) for known in first.scores}
    something = {known: np.full(4, number) for number, known in enumerate(nothing, 1)}
    compared = difference(replace(first, scores=nothing), replace(first, scores=something))
    found = compared[name]
    assert (found.value, found.low, found.high) == (value, value, value)


def test_both_models_are_drawn_with_the_same_images() -> None:
    """However much images differ, what is a tenth higher in each is a tenth higher."""
    found = difference(model([0.5, 0.5, 40, 40]), model([0.6, 0.6, 40.1, 40.1]))
    assert [found['kld'].low, found['kld'].high] == pytest.approx([0.1, 0.1])


def test_what_is_infinite_for_both_is_equal() -> None:
    infinite = float('inf')
    found = difference(model([infinite, 1, 1, 1]), model([infinite, 2, 2, 2]))
    assert found['kld'].value == 0.75
    assert found['better_rows'].value == 0.125


def test_actions() -> None:
    first = model([1, 1, 1, 1], best=(1, 0, 1, 0))
    found = difference(first, model([1, 1, 1, 1], best=(1, 1, 0, 1)))
    assert found['top_1'].value == 0.25
    # Of the first action nothing, of the second a third.
    assert found['balanced_accuracy'].value == pytest.approx(1 / 6)
    assert difference(first, model([1, 1, 1, 1]))['top_1'] is None


def test_what_no_model_is_asked_is_not_measured() -> None:
    found = difference(model([1, 1, 1, 1]), model([1, 1, 1, 1]))
    assert (found['peak_inside'], found['nearest'], found['which_button']) == (None, None, None)


@pytest.mark.parametrize(
    ('rows', 'protocol', 'message'),
    [
        (
            (*ROWS[:3], row(9, 'b')),
            'rows256',
            r'on 4 rows and other on 4, of different pairs, such as',
        ),
        ((ROWS[1], ROWS[0], *ROWS[2:]), 'rows256', 'of different pairs, in another order'),
        (ROWS, 'rows28', 'by the protocol rows256 and other by rows28'),
    ],
)
def test_other_rows_are_refused(
    rows: tuple[ProtocolRow, ...], protocol: str, message: str
) -> None:
    other = replace(model([1, 2, 3, 4], rows=rows), protocol=protocol)
    with pytest.raises(ValueError, match=message):
        difference(model([1, 2, 3, 4]), other)


def test_rows_that_hardly_differ_are_ties() -> None:
    found = difference(model([1, 2, 3, 4]), model([0.991, 2.009, 2.5, 4.2]))
    assert found['better_rows'].value == (0.5 + 0.5 + 1 + 0) / 4


def test_weights_that_differ_in_the_fifth_digit_are_not_told_apart() -> None:
    """Although each row is a little better, so that no interval holds 0."""
    found = difference(model([1, 2, 3, 4]), model([0.9999, 1.9999, 2.9999, 3.9999]))
    assert found['kld'].high < 0
    assert (found['better_rows'].low, found['better_rows'].high) == (0.5, 0.5)
    assert found['differs_in'] == ''


def test_the_measures_that_tell_two_models_apart_are_named() -> None:
    found = difference(
        model([1, 2, 3, 4], (0, 0, 0, 0)), model([0.97, 1.96, 2.97, 3.96], (1, 0, 1, 0))
    )
    assert found['differs_in'] == 'better_rows, kld, hit_rate'


@pytest.mark.parametrize(
    ('measure', 'low', 'high', 'told'),
    [
        ('kld', 0.011, 0.3, True),
        ('kld', 0.009, 0.3, False),
        ('kld', -0.3, -0.011, True),
        ('kld', -0.3, 0.3, False),
        ('sim', 0.006, 0.1, True),
        ('sim', 0.004, 0.1, False),
        ('auc_j', -0.1, -0.006, True),
        ('auc_j', -0.1, -0.004, False),
        ('hit_rate', 0.011, 0.3, True),
        ('hit_rate', 0.009, 0.3, False),
        ('peak_error_mean', -2.0, -0.11, True),
        ('peak_error_mean', -2.0, -0.09, False),
        ('better_rows', 0.52, 0.7, True),
        ('better_rows', 0.505, 0.7, False),
        ('better_rows', 0.3, 0.48, True),
    ],
)
def test_all_of_the_interval_lies_beyond_the_least_difference(
    measure: str, low: float, high: float, told: bool
) -> None:
    estimate = Estimate((low + high) / 2, low, high, 40)
    assert tells_apart(measure, estimate) == told
    assert not tells_apart(measure, None)


def test_every_name_is_described(root: Path) -> None:
    assert described(root, '`differences.MODEL`') == set(
        difference(model([1, 1, 1, 1]), model([1, 1, 1, 1]))
    )
