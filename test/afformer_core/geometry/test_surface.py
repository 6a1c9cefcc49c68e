# SPDX-License-Identifier: Apache-2.0
"""Surfaces at or near a pixel of depth images without noise, and why there is none."""

import math
from typing import Any

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.surface import (
    PlacedSurface,
    SurfacePoint,
    SurfaceSettings,
    measure_surfaces,
    prominent_surfaces,
)

SIZE = (480, 640)
FLAT = np.full(SIZE, 0.8, np.float32)


def plane(calibration: Calibration, normal: np.ndarray, distance: float) -> np.ndarray:
    v, u = np.mgrid[:480, :640]
    rays = calibration.rays(np.stack([u.ravel(), v.ravel()], axis=1))
    depth = normal[2] * distance / (rays @ normal[:2] + normal[2])
    return depth.reshape(SIZE).astype(np.float32)


def measured(
    values: np.ndarray,
    calibration: Calibration,
    u: float = 320,
    v: float = 240,
    settings: SurfaceSettings | None = None,
) -> SurfacePoint:
    depth = DepthImage(values.astype(np.float32), 'camera', 0)
    settings = settings or SurfaceSettings()
    (surface,) = measure_surfaces(depth, calibration, SIZE, [(u, v)], settings)
    return surface


@pytest.mark.parametrize('tilt', [-60, -20, 35, 60])
def test_a_tilted_plane(calibration: Calibration, tilt: float) -> None:
    normal = np.array([math.sin(math.radians(tilt)), 0.1, -math.cos(math.radians(tilt))])
    normal /= np.linalg.norm(normal)
    values = plane(calibration, normal, 0.7)

    surface = measured(values, calibration, 350.3, 200.8)

    assert surface.position is not None
    assert surface.normal is not None
    x, y = (350.3 - 319.5) / 600, (200.8 - 239.5) / 600
    depth = normal[2] * 0.7 / (normal @ [x, y, 1])
    np.testing.assert_allclose(surface.position, [x * depth, y * depth, depth], rtol=1e-4)
    np.testing.assert_allclose(surface.normal, normal, atol=1e-3)


def test_the_second_camera_of_a_pair_is_beside_the_origin(calibration: Calibration) -> None:
    second = Calibration(640, 480, calibration.matrix, '', (), (-60.0, 0.0), 'camera')

    surface = measured(FLAT, second, 319.5, 239.5)

    assert surface.position is not None
    np.testing.assert_allclose(surface.position, [0.1, 0, 0.8], atol=1e-6)


def test_a_distorted_lens(calibration: Calibration) -> None:
    lens = Calibration(
        640, 480, calibration.matrix, 'plumb_bob', (-0.3, 0.1, 0.001, 0, 0), (0, 0), 'camera'
    )
    v, u = np.mgrid[:480, :640]
    rays = lens.rays(np.stack([u.ravel(), v.ravel()], axis=1))
    normal = np.array([0.6, 0.0, -0.8])
    values = (-0.8 * 0.7 / (rays @ normal[:2] + normal[2])).reshape(SIZE)

    surface = measured(values, lens, 560, 60)

    assert surface.position is not None
    assert surface.normal is not None
    (x, y) = lens.rays([[560, 60]])[0]
    assert surface.position[0] / surface.position[2] == pytest.approx(x)
    assert surface.position[1] / surface.position[2] == pytest.approx(y)
    assert normal @ surface.position == pytest.approx(-0.8 * 0.7, abs=1e-3)
    assert normal @ surface.normal > math.cos(math.radians(1))


def test_depth_of_half_the_size(calibration: Calibration) -> None:
    values = plane(calibration, np.array([0.6, 0, -0.8]), 0.7)
    inverse = 1 / values
    half = 4 / (inverse[::2, ::2] + inverse[1::2, ::2] + inverse[::2, 1::2] + inverse[1::2, 1::2])

    full_surface, half_surface = (
        measured(depth, calibration, 401, 233) for depth in (values, half)
    )

    assert full_surface.position is not None
    assert half_surface.position is not None
    assert half_surface.normal is not None
    np.testing.assert_allclose(half_surface.position, full_surface.position, atol=2e-4)
    np.testing.assert_allclose(half_surface.normal, [0.6, 0, -0.8], atol=2e-3)


def test_covariance(calibration: Calibration) -> None:
    surface = measured(FLAT, calibration, 319.5, 239.5)

    assert surface.covariance is not None
    # A pixel is 0.8 m / 600 across; the median of the 32 pixels within 3 of the peak.
    deviations = np.sqrt(np.diag(surface.covariance))
    along = 0.8 * math.hypot(0.005, 0.0003 / 0.8) * math.sqrt(math.pi / 2 / 32)
    np.testing.assert_allclose(deviations, [0.8 / 600, 0.8 / 600, along], rtol=1e-3)


@pytest.mark.parametrize(
    ('pixels', 'change', 'peak', 'reason'),
    [
        *((None, 0, peak, 'outside the image') for peak in ((-1, 5), (5, 480.2), (math.nan, 5))),
        *((np.s_[240, 320], hole, (320.3, 239.8), 'has a hole at the peak')
          for hole in (math.nan, -0.8, math.inf)),
        (np.s_[:, :320], math.nan, (320, 240), 'are holes'),
        (np.s_[:], -0.72, (320, 240), 'outside the range from 0.1 to 10 m'),
        (np.s_[:], 15, (320, 240), 'outside the range from 0.1 to 10 m'),
        (np.s_[240, 320], 0.1, (320, 240), 'jumps by'),
        *((np.s_[:, 321:], step, (320, 240), 'edge of') for step in (0.01, 0.03, 0.2, 2.0)),
    ],
)  # fmt: skip
def test_why_there_is_no_point(
    calibration: Calibration,
    pixels: Any,
    change: float,
    peak: tuple[float, float],
    reason: str,
) -> None:
    values = FLAT.copy()
    if pixels is not None:
        values[pixels] += change

    assert reason in measured(values, calibration, *peak).problem


def test_no_ray(calibration: Calibration) -> None:
    fisheye = Calibration(
        640, 480, np.diag([100.0, 100, 1]), 'equidistant', (0.0,) * 4, (0, 0), 'camera'
    )

    assert 'cannot be undone' in measured(FLAT, fisheye).problem


@pytest.mark.parametrize(
    ('noise', 'nearest', 'farthest'),
    [(0, 0.1, 10), (0.3, 0.1, 10), (0.005, 0, 10), (0.005, 5, 5), (0.005, 0.1, math.inf)],
)
def test_settings_out_of_range(noise: float, nearest: float, farthest: float) -> None:
    with pytest.raises(ValueError, match='expected'):
        SurfaceSettings(noise=noise, nearest=nearest, farthest=farthest)


def handle_before_a_wall(depth_of_handle: float = 0.7) -> np.ndarray:
    values = np.full(SIZE, 0.8, np.float32)
    values[100:380, 310:330] = depth_of_handle
    return values


def placed(
    values: np.ndarray, calibration: Calibration, u: float, v: float, tolerance: float
) -> PlacedSurface:
    depth = DepthImage(values, 'camera', 0)
    (one,) = prominent_surfaces(depth, calibration, SIZE, [(u, v)], tolerance, SurfaceSettings())
    return one


@pytest.mark.parametrize(
    ('of_handle', 'peak', 'tolerance', 'depth'),
    [
        (0.7, (320.25, 240.5), 18.0, 0.7),
        (0.78, (345.0, 240.0), 18.0, 0.8),
        (0.7, (345.0, 240.0), 0.0, 0.8),
        (0.7, (360.0, 240.0), 18.0, 0.8),
        (0.7, (0.0, 0.0), 18.0, 0.8),
        (0.7, (639.0, 479.0), 18.0, 0.8),
    ],
    ids=['on it', 'hardly nearer', 'without tolerance', 'beyond it', 'corner', 'other corner'],
)
def test_a_peak_that_stays(
    calibration: Calibration,
    of_handle: float,
    peak: tuple[float, float],
    tolerance: float,
    depth: float,
) -> None:
    one = placed(handle_before_a_wall(of_handle), calibration, *peak, tolerance)

    assert one.pixel == peak
    assert one.surface.position is not None
    assert one.surface.position[2] == pytest.approx(depth, abs=1e-4)


def test_a_peak_beside_the_handle_moves_onto_it(calibration: Calibration) -> None:
    one = placed(handle_before_a_wall(), calibration, 338.0, 240.0, 18.0)

    assert 310 <= one.pixel[0] < 330
    assert np.hypot(one.pixel[0] - 338, one.pixel[1] - 240) <= 18
    # The position is that of the pixel that is told.
    assert one.surface.position is not None
    x, y = 0.7 * calibration.rays([one.pixel])[0]
    np.testing.assert_allclose(one.surface.position, [x, y, 0.7], rtol=1e-4)


def test_no_further_than_needed(calibration: Calibration) -> None:
    one = placed(handle_before_a_wall(), calibration, 336.0, 240.0, 30.0)

    # On the first ring, of 10 pixels.
    assert one.pixel == pytest.approx((326.0, 240.0))


def test_a_peak_at_the_edge_moves_to_the_nearer_side(calibration: Calibration) -> None:
    at_the_peak = placed(handle_before_a_wall(), calibration, 330.0, 240.0, 0.0)
    one = placed(handle_before_a_wall(), calibration, 330.0, 240.0, 18.0)

    assert 'edge' in at_the_peak.surface.problem
    assert one.surface.position is not None
    assert one.surface.position[2] == pytest.approx(0.7, abs=1e-4)


def test_a_peak_in_a_hole_moves_out_of_it(calibration: Calibration) -> None:
    values = np.full(SIZE, 0.8, np.float32)
    values[236:245, 316:325] = np.nan

    one = placed(values, calibration, 320.0, 240.0, 18.0)

    assert one.surface.position is not None
    assert one.surface.position[2] == pytest.approx(0.8, abs=1e-4)


def test_a_single_nearer_pixel_does_not_take_the_wall_away(calibration: Calibration) -> None:
    values = np.full(SIZE, 0.8, np.float32)
    values[240, 338] = 0.5

    one = placed(values, calibration, 320.0, 240.0, 18.0)

    assert one.pixel == (320.0, 240.0)
    assert one.surface.position is not None


def test_nothing_but_holes_leaves_the_reason(calibration: Calibration) -> None:
    one = placed(np.full(SIZE, np.nan, np.float32), calibration, 320.0, 240.0, 18.0)

    assert one.pixel == (320.0, 240.0)
    assert 'hole' in one.surface.problem


def test_several_peaks_are_apart(calibration: Calibration) -> None:
    depth = DepthImage(handle_before_a_wall(), 'camera', 0)
    peaks = [(338.0, 240.0), (500.0, 100.0), (320.0, 200.0)]

    together = prominent_surfaces(depth, calibration, SIZE, peaks, 18.0, SurfaceSettings())

    alone = [placed(handle_before_a_wall(), calibration, u, v, 18.0) for u, v in peaks]
    assert [one.pixel for one in together] == [one.pixel for one in alone]


def test_no_peaks(calibration: Calibration) -> None:
    depth = DepthImage(handle_before_a_wall(), 'camera', 0)
    assert prominent_surfaces(depth, calibration, SIZE, [], 18.0, SurfaceSettings()) == ()
