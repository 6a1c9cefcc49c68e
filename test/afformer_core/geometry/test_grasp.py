# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates at blobs of known shape."""

import math

import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.grasp import grasp_candidate
from afformer_core.geometry.rotation import rotation_of_quaternion
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime.grounding import Peak

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


def test_x_of_a_round_blob_is_horizontal(calibration: Calibration) -> None:
    x, _, _ = axes(blob(35, 10, 9.8), FACING, calibration)

    np.testing.assert_allclose(x, [1, 0, 0], atol=1e-9)


def test_x_of_a_flat_heatmap_is_horizontal(calibration: Calibration) -> None:
    x, _, _ = axes(np.full((480, 640), 1e-6, np.float32), FACING, calibration)

    np.testing.assert_allclose(x, [1, 0, 0], atol=1e-9)


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
