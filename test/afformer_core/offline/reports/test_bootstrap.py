# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from afformer_core.offline.reports.bootstrap import (
    CONFIDENCE,
    Estimate,
    area_under_curve,
    bootstrap_area,
    bootstrap_class_mean,
    bootstrap_mean,
    bootstrap_median,
    bootstrap_ratio,
    bootstrap_separation,
    interval_note,
)

NAN = float('nan')


def test_mean_weighs_values_and_not_groups():
    estimate = bootstrap_mean([1, 1, 1, 5], ['a', 'a', 'a', 'b'])
    assert estimate.value == pytest.approx(2.0)


def test_groups_are_drawn_whole():
    values = [0.0, 1.0] * 50
    singly = bootstrap_mean(values, list(range(100)))
    in_two_groups = bootstrap_mean(values, [i % 2 for i in range(100)])
    assert singly.low == pytest.approx(0.4, abs=0.06)
    assert singly.high == pytest.approx(0.6, abs=0.06)
    assert (in_two_groups.low, in_two_groups.high) == (0, 1)


def test_missing_values_are_left_out():
    estimate = bootstrap_mean([NAN, 4, 2], ['a', 'b', 'c'])
    assert (estimate.value, estimate.count) == (3, 2)
    assert bootstrap_mean([NAN], ['a']) is None


@pytest.mark.parametrize('answers', [[0] * 10, [0] * 8 + [1, 1], [1, 0] * 5])
def test_class_mean_of_hits_is_balanced_accuracy(answers):
    target = [0] * 9 + [1]
    hits = np.equal(answers, target)
    expected = balanced_accuracy_score(np.array(target), np.array(answers))
    assert bootstrap_class_mean(hits, range(10), target).value == pytest.approx(
        expected, abs=1e-12
    )


def test_area_is_that_of_the_roc_curve():
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(2, 12, 40), rng.integers(0, 10, 30)
    shown = [1] * 40 + [0] * 30
    expected = roc_auc_score(shown, np.concatenate((positive, negative)))
    assert area_under_curve(positive, negative) == pytest.approx(expected, abs=1e-12)


def test_area_counts_pairs_and_ties_half():
    assert area_under_curve([3, 2], [1, 2, 4]) == pytest.approx((2 + 1.5) / 6)
    assert bootstrap_area([3, 2], [1, 2], 'ab').value == pytest.approx((2 + 1.5) / 4)


def test_separation_is_of_values_and_what_they_should_be():
    estimate = bootstrap_separation([5, 4, NAN, 3, 2], [True, False, True, True, False], 'abcde')
    # Of 5 and 3 above 4 and 2 three of four comparisons are won.
    assert (estimate.value, estimate.count) == (0.75, 4)


def test_separation_draws_whole_groups():
    # Of a alone nothing is told apart, of b alone everything is; of both, b wins over a.
    values, right = [1, 1, 3, 3, 1, 1, 2, 2], [True] * 4 + [False] * 4
    estimate = bootstrap_separation(values, right, 'aabbaabb')
    assert (estimate.low, estimate.value, estimate.high) == (0.5, 0.625, 1.0)


def test_separation_needs_values_of_both_kinds():
    assert bootstrap_separation([1, 2, NAN], [True, True, False], 'abc') is None
    # A draw of one group alone has values of one kind, and is left out.
    estimate = bootstrap_separation([2, 1], [True, False], 'ab')
    assert (estimate.low, estimate.value, estimate.high) == (1, 1, 1)


@pytest.mark.parametrize(
    ('values', 'median', 'count'),
    [([3, 1, 100], 3, 3), ([3, 1, 100, 5], 4, 4), ([3, NAN, 5], 4, 2)],
)
def test_median_of_odd_and_even_numbers_that_exist(values, median, count):
    estimate = bootstrap_median(values, 'abcd'[: len(values)])
    assert (estimate.value, estimate.count) == (median, count)
    assert bootstrap_median([NAN], 'a') is None


def test_median_draws_whole_groups():
    # All of a or all of b, or both: there is no other median.
    estimate = bootstrap_median([1, 1, 2, 9, 9, 8], 'aaabbb')
    assert (estimate.value, estimate.low, estimate.high) == (5, 1, 9)


def test_a_ratio_is_of_the_sums_of_whole_groups() -> None:
    values, denominators = [1.0, 3.0, 2.0], [4.0, 4.0, 8.0]

    ratio = bootstrap_ratio(values, denominators, ['a', 'a', 'b'])

    assert ratio.value == 0.375
    assert (ratio.low, ratio.high) == (0.25, 0.5)


COIN = [0.0, 1.0] * 50
EACH_ALONE = list(range(100))
ESTIMATES = {
    'mean': bootstrap_mean(COIN, EACH_ALONE),
    'ratio': bootstrap_ratio(COIN, [1.0] * 100, EACH_ALONE),
    'median': bootstrap_median(list(range(101)), list(range(101))),
    'area': bootstrap_area(COIN, [0.5] * 100, EACH_ALONE),
    'classes': bootstrap_class_mean(COIN, EACH_ALONE, [0, 1] * 50),
}


@pytest.mark.parametrize(
    ('name', 'low', 'high', 'count'),
    [
        # Of a hundred throws of a coin, 95 % have 40 to 60 heads, and 90 % have 42 to 58.
        ('mean', 0.4, 0.6, 100),
        ('ratio', 0.4, 0.6, 100),
        ('area', 0.4, 0.6, 200),
        ('median', 40.0, 59.0, 101),
        ('classes', 0.5, 0.5, 100),
    ],
)
def test_intervals_hold_95_percent_of_the_draws(name, low, high, count):
    estimate = ESTIMATES[name]
    assert (estimate.low, estimate.high, estimate.count) == (low, high, count)
    assert estimate.confidence == CONFIDENCE == 0.95


def test_tables_say_what_the_intervals_are():
    assert interval_note('scenes') == 'Intervals: 95 %, bootstrapped over scenes.'


@pytest.mark.parametrize(('low', 'high', 'count'), [(0.6, 0.4, 3), (0.4, 0.6, 0)])
def test_an_estimate_of_nothing_or_upside_down_is_refused(low, high, count):
    with pytest.raises(ValueError, match='bounds in increasing order, from at least 1 value'):
        Estimate(0.5, low, high, count)
