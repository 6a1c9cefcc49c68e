# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates at blobs of known shape, and widths of a bar under a heatmap that is wider."""

import math

import cv2
import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.grasp import grasp_candidate, grasp_width
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.geometry.transform import rotation_of_quaternion
from afformer_core.runtime.peaks import Peak

PEAK = Peak(u=319.5, v=239.5, score=0.6)
FACING = np.array([0.0, 0.0, -1.0])


def blob(angle_degrees: float, long: float, short: float) -> np.ndarray:
    v, u = np.mgrid[:480, :640]
    angle = math.radians(angle_degrees)
    along = (u - PEAK.u) * math.cos(angle) + (v - PEAK.v) * math.sin(angle)
    across = (v - PEAK.v) * math.cos(angle) - (u - PEAK.u) * math.sin(angle)
    heatmap = np.exp(-(along**2) / (2 * long**2) - across**2 / (2 * short**2))
    return (heatmap / heatmap.sum()).astype(np.float32)


def surface(normal: np.ndarray) -> SurfacePoint:
    return SurfacePoint(np.array([0.0, 0.0, 0.8]), np.eye(3) * 1e-6, normal, '')


def axes(heatmap: np.ndarray, normal: np.ndarray, calibration: Calibration) -> np.ndarray:
    candidate = grasp_candidate(heatmap, PEAK, surface(normal), calibration)
    assert candidate is not None
    return rotation_of_quaternion(candidate.orientation).T


@pytest.mark.parametrize('angle', [-40, -10, 0, 30, 60, 90, 130])
def test_x_lies_along_the_blob(calibration: Calibration, angle: float) -> None:
    x, _, z = axes(blob(angle, 15, 5), FACING, calibration)

    expected = [math.cos(math.radians(angle)), math.sin(math.radians(angle)), 0]
    np.testing.assert_allclose(x, expected, atol=0.02)
    np.testing.assert_allclose(z, [0, 0, 1], atol=1e-9)


@pytest.mark.parametrize('angles', [(88, 92), (-2, 2), (178, 182)])
def test_x_does_not_flip(calibration: Calibration, angles: tuple[float, float]) -> None:
    first, second = (axes(blob(angle, 15, 5), FACING, calibration)[0] for angle in angles)

    assert first @ second > 0.99


@pytest.mark.parametrize(
    'heatmap', [blob(35, 10, 9.8), np.full((480, 640), 1e-6, np.float32)], ids=['round', 'flat']
)
def test_x_of_no_longer_axis_is_horizontal(heatmap: np.ndarray, calibration: Calibration) -> None:
    x, _, _ = axes(heatmap, FACING, calibration)

    np.testing.assert_allclose(x, [1, 0, 0], atol=1e-9)
    known = [
        grasp_candidate(values, PEAK, surface(FACING), calibration).axis_known
        for values in (heatmap, blob(35, 15, 5))
    ]
    assert known == [False, True]


def test_x_lies_in_a_tilted_surface(calibration: Calibration) -> None:
    normal = np.array([math.sin(0.7), 0, -math.cos(0.7)])
    x, y, z = axes(blob(0, 15, 5), normal, calibration)

    np.testing.assert_allclose(z, -normal, atol=1e-9)
    np.testing.assert_allclose(x, [math.cos(0.7), 0, math.sin(0.7)], atol=0.02)
    np.testing.assert_allclose(np.cross(x, y), z, atol=1e-9)


def test_an_edge_on_surface_has_a_pose(calibration: Calibration) -> None:
    x, _, z = axes(blob(90, 15, 5), np.array([1.0, 0.0, 0.0]), calibration)

    assert x @ z == pytest.approx(0, abs=1e-9)


def test_position_and_score_are_the_peak_s(calibration: Calibration) -> None:
    candidate = grasp_candidate(blob(0, 9, 3), PEAK, surface(FACING), calibration)

    assert candidate is not None
    assert candidate.position.tolist() == [0, 0, 0.8]
    assert candidate.score == 0.6


def test_a_peak_in_the_corner(calibration: Calibration) -> None:
    heatmap = np.zeros((480, 640), np.float32)
    heatmap[0, 630:] = 0.1
    corner = Peak(u=639, v=0, score=1)

    candidate = grasp_candidate(heatmap, corner, surface(FACING), calibration)

    assert candidate is not None
    x = rotation_of_quaternion(candidate.orientation)[:, 0]
    np.testing.assert_allclose(x, [1, 0, 0], atol=0.02)


def test_no_candidate_without_a_normal(calibration: Calibration) -> None:
    without = SurfacePoint(np.array([0.0, 0.0, 0.8]), np.eye(3), None, '')

    assert grasp_candidate(blob(0, 9, 3), PEAK, without, calibration) is None
    unknown = SurfacePoint.unknown('a hole')
    assert grasp_candidate(blob(0, 9, 3), PEAK, unknown, calibration) is None


# At 0.6 m a pixel is 1 mm.
MATRIX = np.array([[600.0, 0, 159.5], [0, 600.0, 119.5], [0, 0, 1]])
CALIBRATION = Calibration(320, 240, MATRIX, '', (), (0.0, 0.0), 'camera')
BAR_PEAK = Peak(160.0, 120.0, 0.9)
WALL = 0.63


def _bar(angle, thick, near=0.6):
    """A bar 120 pixels long through the peak, and a heatmap along it that is wider."""
    values, heatmap = np.full((240, 320), WALL, np.float32), np.zeros((240, 320), np.float32)
    for target, value, broad in ((values, near, thick), (heatmap, 1.0, 1.6 * thick)):
        corners = cv2.boxPoints(((BAR_PEAK.u, BAR_PEAK.v), (120, broad), angle))
        cv2.fillPoly(target, [np.round(corners * 16).astype(np.int32)], value, shift=4)
    return DepthImage(values, 'camera', 0), cv2.GaussianBlur(heatmap, (0, 0), 2)


def _measure(depth, heatmap, share=0.5, distance=0.6):
    position = CALIBRATION.points([[BAR_PEAK.u, BAR_PEAK.v]], [distance])[0]
    surface = SurfacePoint(position, np.eye(3) * 1e-6, np.array([0.0, 0.0, -1.0]), '')
    candidate = grasp_candidate(heatmap, BAR_PEAK, surface, CALIBRATION)
    settings = DepthSettings()
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
