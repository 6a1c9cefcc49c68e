# SPDX-License-Identifier: Apache-2.0
"""Scores of confidence against right and wrong points: thresholds of other sources, and areas."""

from __future__ import annotations

import math

import pytest

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.part_confidence import (
    ConfidenceMeasures,
    answering_threshold,
    confidence_tables,
    measure_confidence,
)
from afformer_core.offline.evaluation.parts.part_scores import PartScores

# Of each source the scores and whether the best point is right.
KITCHENS = [(0.9, 1), (0.8, 1), (0.7, 0), (0.6, 0), (0.5, 1)]
WORKSHOPS = [(0.95, 1), (0.75, 1), (0.65, 1), (0.45, 1), (0.3, 0)]


def scored(value: float, right: int) -> PartScores:
    return PartScores(right, right, 0.0, right, confidence_scores={'peak': value})


@pytest.fixture
def pairs(make_pair) -> list[PartPair]:
    return [
        make_pair(repository=name, source_video=f'{name} {number}')
        for name in ('a/kitchens', 'b/workshops')
        for number in range(5)
    ]


@pytest.fixture
def peak(pairs) -> ConfidenceMeasures:
    scores = [scored(*each) for each in (*KITCHENS, *WORKSHOPS)]
    return measure_confidence(scores, pairs)['peak']


def test_the_threshold_of_a_source_is_chosen_on_the_others(peak) -> None:
    assert peak.thresholds == {'a/kitchens': 0.45, 'b/workshops': 0.8}
    # All kitchens, of which three are right, and one workshop.
    assert peak.coverage.value == pytest.approx(6 / 10)
    assert peak.right_of_answered.value == pytest.approx(4 / 6)


def test_the_area_is_of_right_and_wrong_points(peak) -> None:
    assert peak.pairs == 10
    assert peak.separation.value == pytest.approx(16 / 21)


def test_of_one_source_nothing_is_chosen_elsewhere(pairs) -> None:
    of_one = measure_confidence([scored(*each) for each in KITCHENS], pairs[:5])['peak']
    assert (of_one.coverage, of_one.right_of_answered, of_one.thresholds) == (None, None, {})


def test_pairs_without_the_score_are_left_out(pairs) -> None:
    scores = [scored(*each) for each in KITCHENS]
    unknown = PartScores(0, 0, None, 0)
    measured = measure_confidence([*scores, unknown], pairs[:6])['peak']
    assert measured.pairs == 5


def test_no_threshold_answers_where_too_few_are_right() -> None:
    assert answering_threshold([0.9, 0.6, 0.4], [False, True, True]) == math.inf


def test_equal_scores_are_answered_together() -> None:
    assert answering_threshold([0.9, 0.6, 0.6, 0.6], [True, True, False, False], 0.9) == 0.9
    assert answering_threshold([0.9, 0.6, 0.6, 0.6], [True, True, True, False], 0.7) == 0.6


def test_tables_have_a_row_for_each_score(peak) -> None:
    measured = {'model': {'peak': peak, 'match_probability': peak}}
    (thresholds,) = confidence_tables(measured, {'model': 'the model'})
    assert list(thresholds.rows) == ['the model: peak', 'the model: match probability']
    assert thresholds.title == 'Selection of right points by confidence, for 88 % right'
    assert confidence_tables({}, {}) == []
