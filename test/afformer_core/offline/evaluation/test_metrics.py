# SPDX-License-Identifier: Apache-2.0
"""Heatmaps and peaks whose measures can be counted by hand."""

from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.polygon_mask import PolygonMask
from afformer_core.offline.data.sample import KnownElements, Sample
from afformer_core.offline.evaluation.metrics import (
    annotated_region,
    auc_judd,
    best_positions,
    in_region,
    kld,
    measure_peaks,
    normalised,
    sim,
)
from afformer_core.offline.evaluation.protocols import ProtocolRow, RowsProtocol


def maps(*values):
    return np.array(values, np.float32)[:, None, :]


@pytest.mark.parametrize(
    ('predicted', 'target', 'epsilon', 'expected'),
    [
        ([1, 1, 2, 0], [2, 0, 2, 0], 0, 0.5 * np.log(0.5 / 0.25)),
        ([0, 1], [1, 1], 0, np.inf),
        ([0, 1], [1, 1], 1e-12, 0.5 * np.log(0.5e12) + 0.5 * np.log(0.5)),
    ],
)
def test_kld_by_hand(predicted, target, epsilon, expected):
    assert kld(maps(predicted), maps(target), epsilon) == pytest.approx([expected])


def test_kld_of_a_prediction_that_is_nearly_zero_is_finite():
    assert kld(maps([1, 1e-42]), maps([0, 1])) == pytest.approx([42 * np.log(10)], abs=1)


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


# The diagonal of 80x60 is 100 pixels, so that pixels are percent.
SIZE = (80, 60)
PROTOCOL = RowsProtocol((60, 80))


def row(*points, size=SIZE):
    return ProtocolRow(0, 'a', np.array(points, float), size)


def measured(row, position):
    return measure_peaks([row], PROTOCOL.targets([row]), [np.array([position], float)])


@pytest.mark.parametrize('scale', [1, 10])
def test_error_is_to_the_nearest_point_in_percent_of_the_diagonal(scale):
    points = ((10 * scale, 10 * scale), (40 * scale, 30 * scale))
    scores = measured(row(*points, size=(80 * scale, 60 * scale)), (43 * scale, 34 * scale))
    assert scores['peak_error'] == pytest.approx([5])


# The blur is 3.5 pixels, half of it is reached after 1.18 of them.
@pytest.mark.parametrize(('x', 'hit'), [(40, 1), (43, 1), (46, 0)])
def test_hit_is_where_the_target_is_above_half_of_its_maximum(x, hit):
    assert measured(row((40, 30)), (x, 30))['hit_rate'].tolist() == [hit]


def test_region_of_an_annotation_of_another_size():
    wide = row((400, 300), size=(800, 600))
    target = PROTOCOL.targets([wide])[0]
    found = in_region(target, wide, np.array([[400, 300], [430, 300], [460, 300], [799, 599]]))
    assert found.tolist() == [True, True, False, False]


def test_points_outside_do_not_count():
    scores = measured(row((40, 30), (-20, 30)), (5, 30))
    assert scores['peak_error'] == pytest.approx([35])
    alone = measured(row((-20, 30)), (5, 30))
    assert np.isnan([alone['hit_rate'], alone['peak_error']]).all()
    assert not np.isnan(alone['position']).any()


def test_the_best_position_is_the_middle_of_the_highest_pixel():
    heatmap = np.zeros((30, 40), np.float32)
    heatmap[10, 20] = 1
    assert best_positions(heatmap, row((0, 0))).tolist() == [[40.5, 20.5]]


def test_a_flat_heatmap_is_given_what_a_guess_would_get():
    one = row((39.5, 29.5))
    target = PROTOCOL.targets([one])
    flat = best_positions(np.ones((60, 80), np.float32), one)
    scores = measure_peaks([one], target, [flat])
    assert np.isnan(scores['position']).all()
    assert scores['hit_rate'] == pytest.approx([(target > target.max() / 2).mean()])
    every = np.hypot(*np.meshgrid(np.arange(80) - 39.5, np.arange(60) - 29.5))
    assert scores['peak_error'] == pytest.approx([every.mean()], rel=1e-3)


def test_flat_heatmaps_that_are_large_are_measured_evenly():
    one = ProtocolRow(0, 'a', np.array([[127.5, 127.5]]), (256, 256))
    flat = best_positions(np.ones((256, 256), np.float32), one)
    target = RowsProtocol().targets([one])
    scores = measure_peaks([one], target, [flat])
    assert scores['hit_rate'] == pytest.approx([(target > target.max() / 2).mean()], rel=0.02)
    side = np.arange(256) - 127.5
    expected = 100 * np.hypot(*np.meshgrid(side, side)).mean() / np.hypot(256, 256)
    assert scores['peak_error'] == pytest.approx([expected], rel=1e-3)


def test_a_few_pixels_that_are_as_high_are_one_peak():
    positions = np.array([[40.0, 30], [41, 30], [40, 31], [41, 31]])
    one = row((40, 30))
    scores = measure_peaks([one], PROTOCOL.targets([one]), [positions])
    assert scores['position'].tolist() == [[40, 30]]
    assert scores['peak_error'].tolist() == [0]


def box(x, y):
    return np.array([[x - 4, y - 4], [x + 4, y - 4], [x + 4, y + 4], [x - 4, y + 4]], float)


@pytest.mark.parametrize(
    ('peak', 'inside', 'nearest'), [((20, 30), 1, 1), ((35, 30), 0, 1), ((58, 30), 0, 0)]
)
def test_elements(peak, inside, nearest):
    scene = KnownElements('a', 0, (box(20, 30), box(60, 30)), ('button',) * 2, (True,) * 2)
    points = np.array([[20.0, 30.0]])
    sample = Sample('a', Path('a.mp4'), Path('a.jpg'), SIZE, (0,), (points,), scene)
    scores = measured(ProtocolRow(0, 'a', points, SIZE, sample=sample), peak)
    assert (scores['peak_inside'][0], scores['nearest'][0]) == (inside, nearest)


def test_no_elements():
    scores = measured(row((40, 30)), (40, 30))
    assert np.isnan([scores['peak_inside'], scores['nearest']]).all()


@pytest.mark.parametrize(
    ('position', 'hit', 'error'),
    [((20, 20), 1, 0), ((30, 30), 0, 10), ((30, 21.6), 0, 1.5), ((63, 44), 0, 5)],
)
def test_a_mask_says_what_is_hit_and_how_far_it_is(position, hit, error):
    corners = np.array([[10, 10], [60, 10], [60, 40], [10, 40]], float)
    mask = PolygonMask((corners,), (np.array([[20, 20.1], [40, 20.1], [40, 40.1], [20, 40.1]]),))
    points = (mask.even_points(SIZE),)
    sample = Sample('a', Path(), Path(), SIZE, (0,), points, masks=(mask,))
    (masked,) = PROTOCOL.rows([sample])

    scores = measured(masked, position)

    assert (scores['hit_rate'].tolist(), scores['peak_error']) == (
        [hit],
        pytest.approx([error], abs=0.11),
    )


# The blur of a mask of 4 pixels reaches further than the mask.
@pytest.mark.parametrize(('x', 'hit'), [(41, 1), (43, 0)])
def test_beside_a_small_mask_there_is_no_hit(x, hit):
    mask = PolygonMask.of_boxes(np.array([[38, 28, 42, 32]], float))
    sample = Sample('a', Path(), Path(), SIZE, (0,), (mask.even_points(SIZE),), masks=(mask,))
    (masked,) = PROTOCOL.rows([sample])

    assert measured(masked, (x, 30))['hit_rate'].tolist() == [hit]
