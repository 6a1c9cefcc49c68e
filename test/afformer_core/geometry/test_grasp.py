# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates on a bar before a wall, and its widths under a heatmap that is wider."""

import math

import cv2
import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.grasp import along_part, grasp_candidate, grasp_width
from afformer_core.geometry.transform import rotation_of_quaternion
from afformer_core.runtime.peaks import Peak


@pytest.mark.parametrize(
    ('approach', 'x'),
    [
        ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]),
        ([0.6, 0.0, 0.8], [0.8, 0.0, -0.6]),
        ([0.28, 0.0, 0.96], [0.96, 0.0, -0.28]),
        ([-0.96, 0.28, 0.0], [0.28, 0.96, 0.0]),
    ],
)
def test_a_candidate_has_z_along_the_approach_and_x_to_the_right_or_down(approach, x):
    candidate = grasp_candidate(np.array([0.1, 0.2, 0.8]), np.array(approach), 0.6)
    rotation = rotation_of_quaternion(candidate.orientation)
    np.testing.assert_allclose(rotation[:, 2], approach, atol=1e-9)
    np.testing.assert_allclose(rotation[:, 0], x, atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert (candidate.position.tolist(), candidate.score) == ([0.1, 0.2, 0.8], 0.6)
    assert not candidate.axis_known


# At 0.6 m a pixel is 1 mm.
MATRIX = np.array([[600.0, 0, 159.5], [0, 600.0, 119.5], [0, 0, 1]])
CALIBRATION = Calibration(320, 240, MATRIX, '', (), (0.0, 0.0), 'camera')
BAR_PEAK = Peak(160.0, 120.0, 0.9)
WALL = 0.63


def _bar(angle, thick, near=0.6, long=120):
    """A bar of pixels through the peak, and a heatmap along it that is wider."""
    values, heatmap = np.full((240, 320), WALL, np.float32), np.zeros((240, 320), np.float32)
    for target, value, broad in ((values, near, thick), (heatmap, 1.0, 1.6 * thick)):
        corners = cv2.boxPoints(((BAR_PEAK.u, BAR_PEAK.v), (long, broad), angle))
        cv2.fillPoly(target, [np.round(corners * 16).astype(np.int32)], value, shift=4)
    return DepthImage(values, 'camera', 0), cv2.GaussianBlur(heatmap, (0, 0), 2)


def _candidate(depth, distance=0.6):
    position = CALIBRATION.points([[BAR_PEAK.u, BAR_PEAK.v]], [distance])[0]
    candidate = grasp_candidate(position, np.array([0.0, 0.0, 1.0]), 0.6)
    return along_part(candidate, BAR_PEAK, depth, CALIBRATION, DepthSettings())


def _x(candidate):
    return rotation_of_quaternion(candidate.orientation)[:, 0]


@pytest.mark.parametrize('angle', [-40, -10, 0, 30, 60, 90, 130])
def test_x_lies_along_a_bar(angle):
    candidate = _candidate(_bar(angle, 12)[0])
    turn = math.radians(angle)
    np.testing.assert_allclose(_x(candidate), [math.cos(turn), math.sin(turn), 0], atol=0.03)
    assert candidate.axis_known


@pytest.mark.parametrize('angles', [(88, 92), (-2, 2), (178, 182)])
def test_x_does_not_flip(angles):
    first, second = (_x(_candidate(_bar(angle, 12)[0])) for angle in angles)
    assert first @ second > 0.99


@pytest.mark.parametrize(
    ('thick', 'long', 'known'), [(24, 24, False), (24, 33, False), (24, 41, True), (16, 27, True)]
)
def test_the_axis_of_a_part_is_known_if_it_is_long(thick, long, known):
    candidate = _candidate(_bar(60, thick, long=long)[0])
    assert candidate.axis_known is known
    expected = [0.5, math.sqrt(0.75), 0] if known else [1, 0, 0]
    np.testing.assert_allclose(_x(candidate), expected, atol=0.05)


def test_a_wall_around_a_recess_has_no_axis():
    # Within 3 cm of the peak, all of it lies on the wall, or 14 mm behind it.
    assert not _candidate(_bar(60, 12, near=WALL + 0.014)[0], distance=WALL).axis_known


def test_holes_and_small_depth_leave_the_axis_as_it_is():
    depth, _ = _bar(60, 20)
    depth.values[115:119, 154:160] = np.nan
    small = DepthImage(np.ascontiguousarray(depth.values[::2, ::2]), 'camera', 0)
    np.testing.assert_allclose(_x(_candidate(small)), [0.5, math.sqrt(0.75), 0], atol=0.1)
    empty = DepthImage(np.full((240, 320), np.nan, np.float32), 'camera', 0)
    assert not _candidate(empty).axis_known


def _measure(depth, heatmap, share=0.5, distance=0.6):
    candidate, settings = _candidate(depth, distance), DepthSettings()
    return grasp_width(heatmap, BAR_PEAK, candidate, depth, CALIBRATION, settings, share)


@pytest.mark.parametrize('angle', [0, 30, 90])
@pytest.mark.parametrize('thick', [10, 20])
def test_the_width_of_a_bar_is_across_it(angle, thick):
    assert _measure(*_bar(angle, thick)) == pytest.approx(thick / 1000, abs=0.002)


def test_the_depth_may_be_smaller_than_the_image():
    depth, heatmap = _bar(0, 20)
    small = DepthImage(np.ascontiguousarray(depth.values[::2, ::2]), 'camera', 0)
    assert _measure(small, heatmap) == pytest.approx(0.02, abs=0.003)


def test_on_a_flat_surface_the_heatmap_bounds_the_width():
    depth, heatmap = _bar(0, 20, near=WALL)
    # 32 pixels of 1.05 mm
    assert _measure(depth, heatmap, distance=WALL) == pytest.approx(0.0336, abs=0.003)


def test_a_hole_at_the_peak_is_bridged():
    depth, heatmap = _bar(0, 20)
    depth.values[120, 160] = np.nan
    assert _measure(depth, heatmap) == pytest.approx(0.02, abs=0.002)


def test_without_depth_there_is_no_width():
    _, heatmap = _bar(0, 20)
    assert (
        _measure(DepthImage(np.full((240, 320), np.nan, np.float32), 'camera', 0), heatmap) is None
    )
