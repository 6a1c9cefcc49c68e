# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.media.polygons import area, contains, distance, inner_points, nearest_element

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
HOOK = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 3.0], [3.0, 3.0], [3.0, 9.0], [0.0, 9.0]])


def test_contains():
    assert contains(SQUARE, (5, 5))
    assert not contains(SQUARE, (11, 5))
    assert not contains(SQUARE, (5, -1))
    # Of a concave outline, in both directions.
    for hook in (HOOK, HOOK[::-1]):
        assert contains(hook, (1, 8))
        assert contains(hook, (8, 1))
        assert not contains(hook, (6, 6))


def test_distance_to_side_and_corner():
    assert distance(SQUARE, (13, 5)) == pytest.approx(3)
    assert distance(SQUARE, (13, 14)) == pytest.approx(5)
    assert distance(SQUARE, (2, 2)) == 0


def test_nearest_is_by_the_outline_and_not_by_the_centre():
    long_handle = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 4.0], [0.0, 4.0]])
    button = np.array([[70.0, 14.0], [78.0, 14.0], [78.0, 22.0], [70.0, 22.0]])
    assert nearest_element([button, long_handle], (90, 8)) == 1


def test_of_overlapping_outlines_the_closest_centre_is_nearest():
    assert nearest_element([SQUARE, SQUARE + 4], (8, 8)) == 1
    assert nearest_element([SQUARE, SQUARE + 4], (6, 6)) == 0


def test_area_is_that_within_the_outline():
    assert area(HOOK) == area(HOOK[::-1]) == 45
    assert area(np.array([[10.0, 5.0], [58.0, 5.0], [10.0, 23.0]])) == 432


def test_inner_points_are_inside():
    points = inner_points(SQUARE)
    assert points[0] == pytest.approx([5, 5])
    assert all(contains(SQUARE, tuple(point)) for point in points)
