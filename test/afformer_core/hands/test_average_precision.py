# SPDX-License-Identifier: Apache-2.0
"""Average precision of hands, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from afformer_core.hands.average_precision import (
    RankedDetections,
    area_precision,
    eleven_point_precision,
    hands_found,
    interactions_found,
    overlap,
    states_found,
)
from afformer_core.hands.hand import Hand
from afformer_core.hands.hand_annotations import HandAnnotation

BOX = (0.0, 0.0, 10.0, 10.0)
ELSEWHERE = (50.0, 0.0, 60.0, 10.0)
IN_CONTACT = HandAnnotation(BOX, True)
IDLE = HandAnnotation(ELSEWHERE, False)


def right(ranked: RankedDetections) -> list[bool]:
    return list(ranked.right.tolist())


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        (BOX, 1.0),
        (ELSEWHERE, 0.0),
        ((5.0, 0.0, 15.0, 10.0), 1 / 3),
        ((10.0, 0.0, 20.0, 10.0), 0.0),
    ],
)
def test_overlap(box: tuple[float, float, float, float], expected: float) -> None:
    assert overlap(BOX, box) == pytest.approx(expected)


def test_exactly_a_half_is_not_enough() -> None:
    """100DOH asks for more than a half."""
    half, more = (0.0, 0.0, 10.0, 5.0), (0.0, 0.0, 10.0, 5.1)

    assert right(hands_found([[Hand(half, True, 0.9)]], [[IN_CONTACT]])) == [False]
    assert right(hands_found([[Hand(more, True, 0.9)]], [[IN_CONTACT]])) == [True]


def test_a_hand_that_is_found_twice_is_wrong_the_second_time() -> None:
    twice = [Hand(BOX, True, 0.6), Hand(BOX, True, 0.9)]
    ranked = hands_found([twice], [[IN_CONTACT]])

    assert ranked.scores.tolist() == [0.9, 0.6]
    assert right(ranked) == [True, False]


def test_the_wrong_state_is_an_error_and_leaves_the_hand_to_be_found() -> None:
    both = [Hand(BOX, False, 0.9), Hand(BOX, True, 0.6)]

    assert right(states_found([both], [[IN_CONTACT]])) == [False, True]
    assert right(hands_found([both], [[IN_CONTACT]])) == [True, False]


def test_a_hand_of_another_image_is_not_found() -> None:
    assert right(hands_found([[Hand(BOX, True, 0.9)], []], [[], [IN_CONTACT]])) == [False]


def test_difficult_hands_are_neither_found_nor_missed() -> None:
    difficult = HandAnnotation(BOX, True, difficult=True)
    ranked = hands_found([[Hand(BOX, True, 0.9)]], [[difficult, IDLE]])

    assert (right(ranked), ranked.expected) == ([], 1)
    assert interactions_found([[Hand(BOX, True, 0.9)]], [[difficult, IDLE]]).expected == 0


def test_interactions_are_hands_in_contact_alone() -> None:
    detected = [Hand(BOX, True, 0.9), Hand(ELSEWHERE, False, 0.8), Hand(ELSEWHERE, True, 0.7)]
    ranked = interactions_found([detected], [[IN_CONTACT, IDLE]])

    assert (right(ranked), ranked.expected) == ([True, False], 1)


# Three of four hands are found; the precisions are 1, 1/2, 2/3, 3/4, and 3/5.
RANKED = RankedDetections(
    np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, True, False]), 4
)


def test_eleven_points() -> None:
    # Recalls of 0 to 0.2 give 1, of 0.3 to 0.7 give 3/4, and above there is nothing.
    assert eleven_point_precision(RANKED) == pytest.approx((3 * 1 + 5 * 0.75) / 11)


def test_area() -> None:
    assert area_precision(RANKED) == pytest.approx(0.25 * 1 + 0.5 * 0.75)


@pytest.mark.parametrize(('precision', 'score'), [(1.0, 0.9), (0.7, 0.6), (0.6, 0.5), (0.2, 0.5)])
def test_score_of_a_precision(precision: float, score: float) -> None:
    assert RANKED.score_of_precision(precision) == score


def test_detections_of_one_score_stand_or_fall_together() -> None:
    ranked = RankedDetections(np.array([0.9, 0.9]), np.array([True, False]), 2)

    assert ranked.score_of_precision(0.9) is None


def test_there_is_nothing_to_find() -> None:
    ranked = hands_found([[Hand(BOX, True, 0.9)]], [[]])

    missed = hands_found([[]], [[IN_CONTACT]])
    assert eleven_point_precision(missed) == area_precision(missed) == 0
    assert missed.score_of_precision(0.5) is None
    assert math.isnan(eleven_point_precision(ranked))
    assert math.isnan(area_precision(ranked))
