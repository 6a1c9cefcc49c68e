# SPDX-License-Identifier: Apache-2.0
"""Predictors over a folder of pairs, and scores of literal points against literal outlines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.part_pairs import PartPairsDataset
from afformer_core.offline.evaluation.parts.clips import Clip
from afformer_core.offline.evaluation.parts.part_measures import measure_all
from afformer_core.offline.evaluation.parts.part_scores import (
    PartScores,
    distance_in_sizes,
    distance_to_parts,
    evaluate_parts,
    mass_inside,
    score_points,
)
from afformer_core.offline.evaluation.parts.part_tables import parts_report
from afformer_core.offline.evaluation.parts.predictors import (
    CentrePredictor,
    ClipContact,
    ModelPredictor,
    PointPrediction,
    PointPredictor,
)
from afformer_core.offline.parallel.local_engine import LocalEngine
from afformer_core.runtime import ArrayGrounder

CORNER, MIDDLE = (0.01, 0.01), (0.5, 0.5)


class FirstVideo:
    """In the middle, which is inside, with the first video alone."""

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        own = clip.name == 'pair 0'
        return PointPrediction((MIDDLE if own else CORNER,), found=own, presence_score=float(own))


def open_first_and_centre() -> dict[str, PointPredictor]:
    return {'first': FirstVideo(), 'centre': CentrePredictor()}


@pytest.fixture(scope='module')
def pairs(part_pairs):
    return PartPairsDataset(part_pairs).pairs


@pytest.fixture(scope='module')
def of_sources(pairs):
    """Three pairs, of which the last two are of one source and of different videos."""
    return [replace(pairs[0], source='other'), *pairs[1:]]


def evaluate(pairs, **predictors: PointPredictor) -> dict[str, list[PartScores]]:
    return evaluate_parts(pairs, lambda: predictors, 3)


def test_each_clip_is_shown_with_its_own_image_and_as_a_negative(of_sources) -> None:
    shown = []

    class Recorder:
        def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
            shown.append((clip.name, [np.array_equal(image, one) for one in images].index(True)))
            return PointPrediction((MIDDLE,))

    images = [read_image(pair.sample.image_path) for pair in of_sources]
    evaluate(of_sources, recorder=Recorder())

    assert shown == [
        *(('pair 0', 0), ('pair 0', 1), ('pair 0', 2)),
        *(('pair 1', 1), ('pair 1', 0), ('pair 1', 2)),
        *(('pair 2', 2), ('pair 2', 1)),
    ]


class Backwards(LocalEngine):
    """Yields the last result first, as other processes may."""

    def map(self, open_task, parts):
        return iter([*super().map(open_task, parts)][::-1])


def test_scores_do_not_depend_on_the_order_of_the_results(of_sources) -> None:
    expected = evaluate(of_sources, **open_first_and_centre())
    found = evaluate_parts(of_sources, open_first_and_centre, 3, Backwards())
    assert found == expected
    assert [score['point_x'] for score in found['first']] == pytest.approx([79.5, 1.1, 1.1])
    assert list(found) == ['first', 'centre']


def test_what_the_videos_change_is_scored(of_sources) -> None:
    (first, second, third) = evaluate(of_sources, first=FirstVideo())['first']

    def of(score: PartScores, video: str = '') -> list[float | None]:
        return [score[f'{video}{name}'] for name in ('inside', 'found', 'presence_score')]

    assert (of(first), of(first, 'other_')) == ([1, 1, 1], [0, 0, 0])
    assert of(first, 'nearby_') == [None] * 3
    assert first['contact_first'] is None
    assert (of(second)[0], of(second, 'other_')[:2]) == (0, [1, 1])
    assert of(third, 'nearby_') == [0, 0, 0]


class UnsureOfContact(ModelPredictor):
    """Reads the contact 8 and 4.5 pixels beside the mark, and is sure after a tap."""

    def __init__(self, tapped: PointPrediction | None = None, answered: bool = False) -> None:
        self.tapped, self.answered = tapped, answered

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        return PointPrediction((CORNER,), answered=self.answered)

    def read_contact(self, clip: Clip) -> ClipContact:
        points = [((60.5 + away) / 160, 50.5 / 120) for away in (21, 12, 11, 10)]
        return ClipContact((68.5 / 160, 50.5 / 120), None, tuple(points))

    def tap(self, image: np.ndarray, clip: Clip) -> PointPrediction | None:
        return self.tapped


def test_the_contact_that_is_read_is_measured_from_the_mark(pairs) -> None:
    (score, *_) = evaluate(pairs, model=UnsureOfContact())['model']
    # Of 160x120, whose diagonal is 200 pixels.
    assert score['contact_distance'] == pytest.approx(4)
    assert (score['contact_close'], score['contact_first']) == (0, 1)
    assert (score['contact_of_3'], score['contact_of_5']) == (0, 1)


@pytest.mark.parametrize(
    ('model', 'expected'),
    [
        (UnsureOfContact(None), (0, 0, 0)),
        (UnsureOfContact(PointPrediction((MIDDLE,), answered=False)), (0, 0, 1)),
        (UnsureOfContact(PointPrediction((MIDDLE,))), (0, 1, 1)),
        # A sure one is not tapped.
        (UnsureOfContact(PointPrediction((MIDDLE,)), answered=True), (1, 1, 0)),
    ],
)
def test_a_tap_may_make_a_model_sure(
    pairs, model: ModelPredictor, expected: tuple[float, float, float]
) -> None:
    (score, *_) = evaluate(pairs, model=model)['model']
    assert (score['answered'], score['tap_answered'], score['tap_inside']) == expected


def test_a_model_without_a_threshold_is_neither_sure_nor_unsure(pairs, model_folder) -> None:
    model = ModelPredictor(ArrayGrounder.load(model_folder, 'torch'))
    scores = evaluate(pairs, model=model)['model']
    assert {(each['answered'], each['tap_answered']) for each in scores} == {(None, None)}
    assert {each['contact_first'] for each in scores} <= {0.0, 1.0}
    assert all(each['mass_inside'] is not None and 0 < each['mass_inside'] < 1 for each in scores)


@pytest.fixture(scope='module')
def measured(pairs):
    scores = evaluate_parts(pairs, open_first_and_centre, 3)
    return measure_all(pairs, scores, ['first'], {})


def test_numbers_are_by_predictor_kind_and_pair(measured) -> None:
    assert (measured['pairs'], measured['source_videos']) == (3, 2)
    assert measured['predictors']['centre']['inside'].value == 1
    assert measured['predictors']['first']['inside'].value == pytest.approx(1 / 3)
    assert measured['predictors']['first']['other_inside'].value == pytest.approx(1 / 3)
    kinds = [each['first']['inside'].value for each in measured['by_kind'].values()]
    assert (list(measured['by_kind']), kinds) == (['same-scene', 'other-shot'], [1, 0])
    assert measured['by_pair']['pair 1']['centre']['inside'] == 1
    assert measured['by_pair']['pair 1']['first']['inside'] == 0
    accepted = measured['constant_action_accepted'].value
    assert (measured['constant_action'], accepted) == ('press', 1)


def test_tables_have_a_row_for_each_predictor(measured) -> None:
    labels = {'first': 'first video', 'centre': 'centre of the image'}
    report = parts_report(measured, labels, ['first'], {'model': 'a'}, ['SIFT is ill.'])
    titles = [table.title for table in report.tables]
    assert titles == ['Parts', 'Does the video determine the answer?']
    text = report.to_markdown()
    assert '- source videos: 2' in text
    assert '- SIFT is ill.' in text
    assert list(report.tables[1].rows) == ['first video']


# 5 % of the diagonal of 100x50 is 5.59 pixels; the part is from (20, 10) to (40, 30).
INSIDE = (30.5 / 100, 20.5 / 50)
NEAR = (45.5 / 100, 20.5 / 50)
FAR = (46.5 / 100, 20.5 / 50)
SQUARE = [[20, 10], [40, 10], [40, 30], [20, 30]]


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
    assert score['within_size'] == within
    assert (score['point_x'], score['point_y']) == pytest.approx((x, 5))


def test_a_large_part_may_be_fewer_sizes_away_than_a_nearer_small_one(make_pair) -> None:
    small, large = [[0, 0], [2, 0], [2, 3], [0, 3]], [[12, 0], [37, 0], [37, 16], [12, 16]]
    pair = make_pair(parts=[small, large])
    # Four pixels from one of 2.449, six from one of 20.
    assert distance_in_sizes(pair, (6.5 / 100, 1.5 / 50)) == pytest.approx(0.3)


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
    assert (score['inside'], score['near'], score['any_inside']) == (inside, near, any_inside)
    assert (score['mass_inside'], score['action'], score['found']) == (None, None, None)
    if not points:
        assert (score['distance'], score['within_size'], score['point_x']) == (None, 0, None)


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
    assert score_points(make_pair(), PointPrediction((INSIDE,), heatmap))['mass_inside'] is None


@pytest.mark.parametrize(('action', 'accepted'), [('pull', 1), ('hold', 1), ('push', 0)])
def test_every_accepted_action_is_right(make_pair, action, accepted) -> None:
    pair = make_pair(accepted_actions=['pull', 'hold'])
    prediction = PointPrediction((INSIDE,), action_scores={action: 0.6, 'pull': 0.4})
    assert score_points(pair, prediction)['action'] == accepted
