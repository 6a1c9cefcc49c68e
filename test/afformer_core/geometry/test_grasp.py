# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates on a bar before a wall, and its widths."""

import math

import cv2
import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.grasp import along_part, grasp_candidate
from afformer_core.geometry.transform import rotation_of_quaternion
from afformer_core.runtime.peaks import Peak


@pytest.mark.parametrize(
    ('approach', 'x'),
    [
        ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]),
        ([0.6, 0.0, 0.8], [0.8, 0.0, -0.6]),
        ([0.28, 0.0, 0.96], [0.96, 0.0, -0.28]),
        ([-0.96, 0.28, 0.0], [0.28, 0.96, 0.0]),
        ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]),
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


def _bar(angle, thick, near=0.6, long=120, noise=0.0):
    """A bar of so many pixels through the peak, before a wall."""
    values = np.full((240, 320), WALL, np.float32)
    corners = cv2.boxPoints(((BAR_PEAK.u, BAR_PEAK.v), (long, thick), angle))
    cv2.fillPoly(values, [np.round(corners * 16).astype(np.int32)], near, shift=4)
    values *= 1 + noise * np.random.default_rng(7).standard_normal(values.shape)
    return DepthImage(values.astype(np.float32), 'camera', 0)


def _measure(depth, distance=0.6):
    """The x axis of a candidate, whether it is known, and the width."""
    position = CALIBRATION.points([[BAR_PEAK.u, BAR_PEAK.v]], [distance])[0]
    candidate = grasp_candidate(position, np.array([0.0, 0.0, 1.0]), 0.6)
    turned, width = along_part(candidate, BAR_PEAK, depth, CALIBRATION, DepthSettings())
    rotation = rotation_of_quaternion(turned.orientation)
    np.testing.assert_allclose(rotation[:, 2], [0, 0, 1], atol=1e-9)
    return rotation[:, 0], turned.axis_known, width


@pytest.mark.parametrize('angle', [-40, -10, 0, 30, 60, 90, 130])
@pytest.mark.parametrize('thick', [10, 20])
def test_x_lies_along_a_bar_and_the_width_is_across_it(angle, thick):
    x, known, width = _measure(_bar(angle, thick))
    turn = math.radians(angle)
    np.testing.assert_allclose(x, [math.cos(turn), math.sin(turn), 0], atol=0.03)
    assert known
    assert width == pytest.approx(thick / 1000, abs=0.002)


def test_noise_of_one_percent_leaves_a_bar_as_it_is():
    x, known, width = _measure(_bar(30, 20, noise=0.01))
    np.testing.assert_allclose(x, [math.sqrt(0.75), 0.5, 0], atol=0.1)
    assert known
    assert width == pytest.approx(0.02, abs=0.004)


@pytest.mark.parametrize('angles', [(88, 92), (-2, 2), (178, 182)])
def test_x_does_not_flip(angles):
    first, second = (_measure(_bar(angle, 12))[0] for angle in angles)
    assert first @ second > 0.99


@pytest.mark.parametrize(
    ('thick', 'long', 'known'), [(24, 24, False), (24, 33, False), (24, 41, True), (16, 27, True)]
)
def test_the_axis_of_a_part_is_known_if_it_is_long(thick, long, known):
    x, told, width = _measure(_bar(0, long, long=thick))
    assert told is known
    np.testing.assert_allclose(x, [0, 1, 0] if known else [1, 0, 0], atol=0.05)
    assert width == pytest.approx((thick if known else long) / 1000, abs=0.003)


@pytest.mark.parametrize('thick', [64, 76])
def test_the_width_of_what_is_wider_than_a_gripper_is_unknown(thick):
    width = _measure(_bar(0, thick))[2]
    assert width == (pytest.approx(0.064, abs=0.003) if thick == 64 else None)


def test_a_wall_around_a_shallow_recess_has_neither():
    # Within 4 cm of the peak, all of it lies on the wall, or 14 mm before it.
    _, known, width = _measure(_bar(60, 12, near=WALL - 0.014), distance=WALL)
    assert (known, width) == (False, None)


def test_the_depth_may_be_smaller_than_the_image_and_have_a_hole_at_the_peak():
    depth = _bar(60, 20)
    small = DepthImage(np.ascontiguousarray(depth.values[::2, ::2]), 'camera', 0)
    small.values[60, 80] = np.nan
    x, _, width = _measure(small)
    np.testing.assert_allclose(x, [0.5, math.sqrt(0.75), 0], atol=0.1)
    assert width == pytest.approx(0.02, abs=0.003)


def test_without_depth_there_is_neither():
    empty = DepthImage(np.full((240, 320), np.nan, np.float32), 'camera', 0)
    assert _measure(empty)[1:] == (False, None)


def test_a_peak_in_the_corner():
    values = np.full((240, 320), WALL, np.float32)
    values[:8] = 0.6
    position = CALIBRATION.points([[319.0, 0.0]], [0.6])[0]
    candidate = grasp_candidate(position, np.array([0.0, 0.0, 1.0]), 0.6)
    depth = DepthImage(values, 'camera', 0)
    turned, width = along_part(
        candidate, Peak(319.0, 0.0, 1.0), depth, CALIBRATION, DepthSettings()
    )
    assert turned.axis_known
    assert rotation_of_quaternion(turned.orientation)[:, 0] == pytest.approx([1, 0, 0], abs=0.02)
    assert width == pytest.approx(0.008, abs=0.002)
