# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.offline.evaluation.metrics.metrics import (
    annotated_region,
    auc_judd,
    kld,
    normalised,
    sim,
    top1_hits,
)


def maps(*values):
    return np.array(values, np.float32)[:, None, :]


def test_kld_by_hand():
    found = kld(maps([1, 1, 2, 0]), maps([2, 0, 2, 0]))
    assert found == pytest.approx([0.5 * np.log(0.5 / 0.25)])


def test_kld_is_infinite_where_a_prediction_misses_all_probability():
    assert np.isinf(kld(maps([0, 1]), maps([1, 1])))[0]


def test_kld_of_a_prediction_that_is_nearly_zero_is_finite():
    assert kld(maps([1, 1e-42]), maps([0, 1])) == pytest.approx([42 * np.log(10)], abs=1)


def test_kld_with_an_epsilon_by_hand():
    found = kld(maps([0, 1]), maps([1, 1]), 1e-12)
    assert found == pytest.approx([0.5 * np.log(0.5e12) + 0.5 * np.log(0.5)])


def test_sim_by_hand():
    assert sim(maps([1, 1, 2, 0]), maps([0, 1, 1, 2])) == pytest.approx([0.25 + 0.25])


def test_kld_and_sim_do_not_depend_on_the_scale():
    predicted, target = maps([3, 1, 2]), maps([1, 5, 1])
    assert kld(10 * predicted, target) == pytest.approx(kld(predicted, 7 * target))
    assert sim(10 * predicted, target) == pytest.approx(sim(predicted, 7 * target))


@pytest.mark.parametrize('bad', [[0, 0], [1, -1], [np.nan, 1], [np.inf, 1]])
def test_refuses_what_is_no_distribution(bad):
    with pytest.raises(ValueError, match='expected finite values of at least 0'):
        normalised(maps([1, 1], bad))


def test_auc_of_a_perfect_and_of_the_opposite_ranking():
    target = maps([0.4, 1, 0, 0.5, 0, 0])
    rng = np.random.default_rng(0)
    found = auc_judd(maps([3, 9, 2, 8, 1, 0], [8, 0, 9, 1, 7, 6]), target.repeat(2, 0), rng)
    # Only the pixel of 1 is above half of the maximum; above it lie none, or all five others.
    assert found == pytest.approx([1.0, 0.5])


def test_auc_counts_the_trapezoid_between_positives():
    target = maps([1, 0, 1, 0])
    found = auc_judd(maps([4, 3, 2, 1]), target, np.random.default_rng(0))
    # (false, true) alarms: (0, 0) (0, 1/2) (1/2, 1) (1, 1)
    assert found == pytest.approx([0.5 * 0.75 + 0.5 * 1])


def test_auc_of_a_constant_map_is_chance_and_not_nan():
    target = np.zeros((1, 64, 64), np.float32)
    target[0, 10:20, 10:20] = 1
    found = auc_judd(np.ones_like(target), target, np.random.default_rng(0))
    assert found == pytest.approx([0.5], abs=0.03)


def test_false_alarms_are_shares_of_the_negatives():
    target = maps([1, 0.6, 0.2, 0.1, 0])
    found = auc_judd(maps([5, 2, 4, 3, 1]), target, np.random.default_rng(0))
    # (false, true) alarms: (0, 0) (0, 1/2) (2/3, 1) (1, 1), where positives have 5 and 2.
    assert found == pytest.approx([2 / 3 * 0.75 + 1 / 3 * 1])


def test_a_jitter_breaks_ties_and_does_not_change_an_order():
    target = np.zeros((1, 40, 40), np.float32)
    target[0, :20] = 1
    tied = np.zeros_like(target)
    apart = np.where(target > 0, 1e-5, 0) + np.eye(40, dtype=np.float32)
    rng = np.random.default_rng(0)
    assert auc_judd(tied, target, rng) == pytest.approx([0.5], abs=0.03)
    # Twenty of the negatives are on the diagonal and above, half of the positives as well.
    assert auc_judd(apart, target, rng)[0] > 0.97


@pytest.mark.parametrize(
    ('target', 'region'),
    [([0.4, 0.5, 0.51, 1.0], [False, False, True, True]), ([2.0, 2.0], [True, True])],
)
def test_the_annotated_region_is_above_half_of_the_maximum(target, region):
    assert annotated_region(np.array([target])).tolist() == [region]


def test_auc_is_repeatable_by_seed():
    target = maps([1, 0, 1, 0, 0])
    predicted = maps([1, 1, 0, 0, 1])
    first, second = (auc_judd(predicted, target, np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_top1_takes_as_many_answers_as_there_are_distinct_actions():
    scores = {0: 0.1, 1: 0.5, 2: 0.4}
    assert top1_hits(scores, [1]) == 1
    assert top1_hits(scores, [0]) == 0
    assert top1_hits(scores, [2, 0, 2]) == 1
    assert top1_hits(scores, [2, 1]) == 2
