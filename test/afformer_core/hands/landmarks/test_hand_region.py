# SPDX-License-Identifier: Apache-2.0
"""Regions of hands whose direction is the long side of a triangle of 3, 4 and 5."""

from __future__ import annotations

import math

import numpy as np
import pytest

from afformer_core.hands.landmarks.hand_region import (
    HandRegion,
    region_of_landmarks,
    region_of_palm,
)
from afformer_core.hands.landmarks.palm_detection import Palm

# Clockwise from up to (0.6, -0.8).
_ANGLE = math.atan2(3, 4)


def _numbers(region: HandRegion) -> tuple[float, float, float, float]:
    return region.x, region.y, region.side, region.angle


def test_the_region_of_a_palm_reaches_to_the_fingertips() -> None:
    palm = Palm((70, 90, 190, 170), wrist=(100, 200), middle_knuckle=(160, 120), score=0.7)

    # The middle (130, 130) moves by half of 120 along (0.6, -0.8); the side is 2.6 x 120.
    assert _numbers(region_of_palm(palm)) == pytest.approx((166, 82, 312, _ANGLE))


def _landmarks() -> np.ndarray:
    """Landmarks of a hand with its wrist at (300, 400), turned by `_ANGLE`."""
    upright = np.zeros((21, 2))
    upright[[1, 2, 3]] = [[-30, -20], [-50, -40], [-70, -60]]
    upright[[5, 9, 13, 17]] = [[-20, -100], [0, -100], [20, -100], [40, -90]]
    upright[[6, 10, 14, 18]] = [[-25, -140], [0, -150], [25, -140], [45, -120]]
    # Upper halves of fingers, which may be anywhere.
    upright[[4, 7, 8, 11, 12, 15, 16, 19, 20]] = (500, 300)
    return np.array([300, 400]) + upright @ np.array([[0.8, 0.6], [-0.6, 0.8]])


def test_the_region_of_the_next_frame_is_around_palm_and_knuckles() -> None:
    # Upright they reach from (-70, -150) to (45, 0): the middle (-12.5, -75) moves by a tenth of
    # 150 to (-12.5, -90), which is (44, -79.5) once it is turned.
    assert _numbers(region_of_landmarks(_landmarks())) == pytest.approx((344, 320.5, 300, _ANGLE))


def test_a_broad_hand_decides_by_its_breadth() -> None:
    landmarks = _landmarks()
    # 115 more to the left of the upright hand.
    landmarks[3] += -115 * np.array([0.8, 0.6])

    region = region_of_landmarks(landmarks)

    # From -185 to 45; the middle (-70, -75) moves to (-70, -98).
    assert region.side == pytest.approx(460)
    assert (region.x, region.y) == pytest.approx((300 - 56 + 58.8, 400 - 42 - 78.4))


def test_landmarks_at_one_point_have_a_region() -> None:
    assert region_of_landmarks(np.full((21, 2), 30.0)).side == 2


def test_a_crop_is_mapped_to_the_turned_square() -> None:
    to_image = HandRegion(166, 82, 312, _ANGLE).to_image(224)

    def mapped(x: float, y: float) -> list[float]:
        return list(to_image @ (x, y, 1))

    assert mapped(112, 112) == pytest.approx([166, 82])
    # Half a side is 156: up is (0.6, -0.8), right is (0.8, 0.6).
    assert mapped(112, 0) == pytest.approx([259.6, -42.8])
    assert mapped(224, 112) == pytest.approx([290.8, 175.6])


@pytest.mark.parametrize(
    ('other', 'expected'),
    [
        (HandRegion(130, 120, 40, 0.9), 600 / 4600),
        (HandRegion(105, 98, 20, 0.9), 400 / 3600),
        (HandRegion(100, 151, 40, 0.9), 0.0),
        (HandRegion(100, 100, 60, 0.9), 1.0),
    ],
)
def test_overlap_of_squares_as_if_they_were_upright(other: HandRegion, expected: float) -> None:
    region = HandRegion(100, 100, 60, 0.2)

    assert region.overlap(other) == pytest.approx(expected)
    assert other.overlap(region) == pytest.approx(expected)
