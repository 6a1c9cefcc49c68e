# SPDX-License-Identifier: Apache-2.0
"""Scores of literal points and heatmaps against literal outlines, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.offline.evaluation.parts.part_scores import (
    PartScores,
    distance_in_sizes,
    distance_to_parts,
    mass_inside,
    measure_by,
    measure_parts,
    score_points,
)
from afformer_core.offline.evaluation.parts.predictors import PointPrediction

# 5 % of the diagonal of 100x50 is 5.59 pixels; the part is from (20, 10) to (40, 30).
INSIDE = (30.5 / 100, 20.5 / 50)
NEAR = (45.5 / 100, 20.5 / 50)
FAR = (46.5 / 100, 20.5 / 50)
SQUARE = [[20, 10], [40, 10], [40, 30], [20, 30]]


def scores(**known: float) -> PartScores:
    least = {'inside': 0, 'near': 0, 'distance': 9.0, 'any_inside': 0}
    return PartScores(**{**least, **known})


HORSESHOE = [[0, 0], [60, 0], [60, 40], [50, 40], [50, 10], [10, 10], [10, 40], [0, 40]]
SCALED = [[200, 100], [400, 100], [400, 300], [200, 300]]


@pytest.mark.parametrize(
    ('changes', 'point', 'percent'),
    [
        ({}, INSIDE, 0),
        ({}, NEAR, 4.472),
        ({}, FAR, 5.367),
        # The nearest part counts.
        ({'parts': [[[0, 0], [5, 0], [5, 5], [0, 5]], SQUARE]}, INSIDE, 0),
        # Between the arms, ten pixels from the nearest one.
        ({'parts': [HORSESHOE]}, INSIDE, 8.944),
        # A resized target is measured in annotated pixels.
        ({'parts': [SCALED], 'target_size': [1000, 500]}, NEAR, 4.875),
    ],
)
def test_distances_are_in_percent_of_the_diagonal(make_pair, changes, point, percent) -> None:
    assert distance_to_parts(make_pair(**changes), point) == pytest.approx(percent, abs=1e-3)


# Of 48 by 18 pixels and an area of 432, so that its size is 20.785.
TRIANGLE = [[10, 5], [58, 5], [10, 23]]


@pytest.mark.parametrize(
    ('x', 'sizes', 'within'), [(30, 0, 1), (78, 20 / 20.7846, 1), (80, 22 / 20.7846, 0)]
)
def test_distances_are_in_sizes_of_the_part(make_pair, x, sizes, within) -> None:
    pair, point = make_pair(parts=[TRIANGLE]), ((x + 0.5) / 100, 5.5 / 50)
    assert distance_in_sizes(pair, point) == pytest.approx(sizes, abs=1e-5)
    score = score_points(pair, PointPrediction((point,)))
    assert score.within_size == within
    assert (score.point_x, score.point_y) == pytest.approx((x, 5))


def test_a_large_part_may_be_fewer_sizes_away_than_a_nearer_small_one(make_pair) -> None:
    small, large = [[0, 0], [2, 0], [2, 3], [0, 3]], [[12, 0], [37, 0], [37, 16], [12, 16]]
    pair = make_pair(parts=[small, large])
    # Four pixels from one of 2.449, six from one of 20.
    assert distance_in_sizes(pair, (6.5 / 100, 1.5 / 50)) == pytest.approx(0.3)


def test_without_a_point_there_is_no_distance(make_pair) -> None:
    score = score_points(make_pair(), PointPrediction(()))
    assert (score.distance, score.within_size, score.point_x) == (None, 0, None)


@pytest.mark.parametrize(
    ('points', 'inside', 'near', 'any_inside'),
    [
        ((INSIDE, FAR), 1, 1, 1),
        ((NEAR, FAR), 0, 1, 0),
        ((FAR, INSIDE), 0, 0, 1),
        ((), 0, 0, 0),
    ],
)
def test_the_best_point_counts_and_the_best_of_all(
    make_pair, points, inside, near, any_inside
) -> None:
    score = score_points(make_pair(), PointPrediction(points))
    assert (score.inside, score.near, score.any_inside) == (inside, near, any_inside)
    assert (score.mass_inside, score.action, score.found) == (None, None, None)


def test_mass_is_that_of_the_pixels_inside(make_pair) -> None:
    heatmap = np.zeros((50, 100), np.float32)
    heatmap[20, 25], heatmap[11, 39], heatmap[20, 41] = 0.5, 0.25, 0.25
    assert mass_inside(make_pair(), heatmap) == 0.75


@pytest.mark.parametrize(
    ('parts', 'mass'),
    [
        # Where parts overlap, it counts once.
        ([SQUARE, SQUARE], 0.08),
        # Of a part that reaches outside, it is that within.
        ([[[-10, -10], [10, -10], [10, 5], [-10, 5]]], 0.01),
    ],
)
def test_mass_is_of_the_area_that_parts_cover(make_pair, parts, mass) -> None:
    heatmap = np.full((50, 100), 1 / 5000, np.float32)
    assert mass_inside(make_pair(parts=parts), heatmap) == pytest.approx(mass)


def test_mass_in_one_part_stays_beside_another(make_pair) -> None:
    triangle = [[30, 10], [60, 10], [60, 30]]
    heatmap = np.zeros((50, 100), np.float32)
    # In the part, and in the box around the triangle, but not in the triangle.
    heatmap[25, 32] = 1
    assert mass_inside(make_pair(parts=[SQUARE, triangle]), heatmap) == 1


def test_similarity_has_no_mass(make_pair) -> None:
    heatmap = np.ones((5, 10), np.float32)
    assert score_points(make_pair(), PointPrediction((INSIDE,), heatmap)).mass_inside is None


@pytest.mark.parametrize(('action', 'accepted'), [('pull', 1), ('hold', 1), ('push', 0)])
def test_every_accepted_action_is_right(make_pair, action, accepted) -> None:
    pair = make_pair(accepted_actions=['pull', 'hold'])
    prediction = PointPrediction((INSIDE,), action_scores={action: 0.6, 'pull': 0.4})
    assert score_points(pair, prediction).action == accepted


@pytest.fixture
def of_sources(make_pair):
    """Makes a pair of each source, each of its own video unless that is told."""

    def make(sources: str, videos: str = 'abcdef'):
        return [
            make_pair(repository=source, source_video=video)
            for source, video in zip(sources, videos, strict=False)
        ]

    return make


def test_means_are_over_pairs_and_intervals_over_videos(of_sources) -> None:
    measured = measure_parts(
        [scores(inside=1), scores(inside=1), scores()], of_sources('sss', 'aab')
    )
    assert measured.inside is not None
    assert measured.inside.value == pytest.approx(2 / 3)
    assert (measured.inside.low, measured.inside.high) == (0, 1)


def test_means_are_also_over_sources(of_sources) -> None:
    known = [scores(inside=1), scores(inside=1), scores(), scores()]
    measured = measure_parts(known, of_sources('ssts'))
    # Two of three in one source, and none in the other.
    assert measured.inside_of_sources.value == pytest.approx((2 / 3 + 0) / 2)


def test_what_was_not_measured_has_no_mean(of_sources) -> None:
    measured = measure_parts([scores(action=1), scores()], of_sources('ss'))
    assert measured.action is not None
    assert (measured.action.value, measured.action.count) == (1, 1)
    assert measured.found is None
    assert measured.auroc is None
    assert measured.answered is None


def test_the_presence_score_tells_own_from_other_videos(of_sources) -> None:
    values = [(0.9, 0.1, 0.95), (0.5, 0.7, None), (0.8, 0.5, 0.7)]
    known = [
        scores(presence_score=own, other_presence_score=other, nearby_presence_score=nearby)
        for own, other, nearby in values
    ]
    measured = measure_parts(known, of_sources('sss'))
    # Of nine comparisons seven are won and one is a tie; of four two are won.
    assert measured.auroc.value == pytest.approx(7.5 / 9)
    assert measured.nearby_auroc.value == pytest.approx(2 / 4)


def test_right_answers_are_a_share_of_the_answered(of_sources) -> None:
    known = [
        scores(answered=1, inside=1, tap_answered=1, tap_inside=1),
        scores(answered=1, inside=0, tap_answered=1, tap_inside=0),
        scores(answered=0, inside=1, tap_answered=1, tap_inside=0),
        scores(answered=0, inside=1, tap_answered=0, tap_inside=1),
    ]
    measured = measure_parts(known, of_sources('ssss'))
    assert (measured.answered.value, measured.right_of_answered.value) == (0.5, 0.5)
    assert measured.tap_answered.value == 0.75
    assert measured.right_of_tap_answered.value == pytest.approx(1 / 3)


def test_classes_are_measured_apart(make_pair) -> None:
    pairs = [make_pair(kind=kind) for kind in ('near', 'far', 'near', '')]
    known = [scores(inside=1), scores(), scores(), scores(inside=1)]
    measured = measure_by(known, pairs, lambda pair: pair.kind)
    assert {name: (each.inside.value, each.pairs) for name, each in measured.items()} == {
        'near': (0.5, 2),
        'far': (0, 1),
    }
