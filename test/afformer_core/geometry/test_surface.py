# SPDX-License-Identifier: Apache-2.0
"""Surfaces at or near a pixel, and why there is none; without noise, and of a scene in numbers."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.surface import (
    PlacedSurface,
    SurfacePoint,
    measure_surfaces,
    prominent_surfaces,
)

MATRIX = np.array([[300.0, 0, 159.5], [0, 310.0, 119.5], [0, 0, 1]])
CALIBRATION = Calibration(320, 240, MATRIX, '', (), (0.0, 0.0), 'camera')
SIZE = (480, 640)
FLAT = np.full(SIZE, 0.8, np.float32)


def plane(calibration: Calibration, normal: np.ndarray, distance: float) -> np.ndarray:
    v, u = np.mgrid[: calibration.height, : calibration.width]
    rays = calibration.rays(np.stack([u.ravel(), v.ravel()], axis=1))
    depth = normal[2] * distance / (rays @ normal[:2] + normal[2])
    return depth.reshape(u.shape).astype(np.float32)


def measured(
    values: np.ndarray,
    calibration: Calibration,
    u: float = 320,
    v: float = 240,
    settings: DepthSettings | None = None,
) -> SurfacePoint:
    depth = DepthImage(values.astype(np.float32), 'camera', 0)
    settings = settings or DepthSettings()
    size = calibration.height, calibration.width
    (surface,) = measure_surfaces(depth, calibration, size, [(u, v)], settings)
    return surface


# As `CALIBRATION`, at twice the resolution.
SHARP = Calibration(
    640, 480, np.array([[600.0, 0, 319.5], [0, 620, 239.5], [0, 0, 1]]), '', (), (0, 0), 'camera'
)


@settings(max_examples=15)
@given(st.floats(0, math.radians(60)), st.floats(0, 6.3), st.floats(40, 600), st.floats(40, 440))
def test_a_tilted_plane_in_depth_of_half_the_size(
    tilt: float, turn: float, u: float, v: float
) -> None:
    normal = np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), -np.cos(tilt)])

    def seen(u: float, v: float) -> np.ndarray:
        ray = np.array([(u - 319.5) / 600, (v - 239.5) / 620, 1])
        return normal[2] * 0.7 / (normal @ ray) * ray

    depth = DepthImage(plane(CALIBRATION, normal, 0.7), 'camera', 0)
    (surface,) = measure_surfaces(depth, SHARP, SIZE, [(u, v)], DepthSettings())

    assert surface.position is not None
    assert surface.covariance is not None
    assert surface.normal is not None
    np.testing.assert_allclose(surface.position, seen(u, v), rtol=1e-3)
    np.testing.assert_allclose(surface.normal, normal, atol=2e-3)
    # It is as uncertain as a pixel of the image; the noise of the depth is along the ray alone.
    steps = np.stack([seen(u + 1, v) - seen(u - 1, v), seen(u, v + 1) - seen(u, v - 1)]) / 2
    across = np.linalg.svd(surface.position[None])[2][1:]
    deviations = np.sqrt(np.diag(surface.covariance))
    remainder = across @ (surface.covariance - steps.T @ steps)
    assert np.abs(remainder).max() < 0.02 * deviations.max() ** 2


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
        DepthSettings(depth_noise=noise, nearest_depth=nearest, farthest_depth=farthest)


def handle_before_a_wall(depth_of_handle: float = 0.7) -> np.ndarray:
    values = np.full(SIZE, 0.8, np.float32)
    values[100:380, 310:330] = depth_of_handle
    return values


def placed(
    values: np.ndarray, calibration: Calibration, u: float, v: float, tolerance: float
) -> PlacedSurface:
    depth = DepthImage(values, 'camera', 0)
    (one,) = prominent_surfaces(depth, calibration, SIZE, [(u, v)], tolerance, DepthSettings())
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


@pytest.mark.parametrize(
    ('pixels', 'value', 'stays', 'known'),
    [
        (np.s_[236:245, 316:325], np.nan, False, True),
        # A single nearer pixel does not take the wall away.
        (np.s_[240, 338], 0.5, True, True),
        (np.s_[:], np.nan, True, False),
    ],
    ids=['out of a hole', 'a single nearer pixel', 'nothing but holes'],
)
def test_a_peak_in_a_hole_moves_to_what_is_known(
    calibration: Calibration, pixels: Any, value: float, stays: bool, known: bool
) -> None:
    values = np.full(SIZE, 0.8, np.float32)
    values[pixels] = value

    one = placed(values, calibration, 320.0, 240.0, 18.0)

    assert (one.pixel == (320.0, 240.0)) == stays
    assert ('hole' in one.surface.problem) == (not known)
    assert not known or one.surface.position[2] == pytest.approx(0.8, abs=1e-4)


def test_several_peaks_are_apart(calibration: Calibration) -> None:
    depth = DepthImage(handle_before_a_wall(), 'camera', 0)
    peaks = [(338.0, 240.0), (500.0, 100.0), (320.0, 200.0)]

    together = prominent_surfaces(depth, calibration, SIZE, peaks, 18.0, DepthSettings())

    alone = [placed(handle_before_a_wall(), calibration, u, v, 18.0) for u, v in peaks]
    assert [one.pixel for one in together] == [one.pixel for one in alone]


def test_no_peaks(calibration: Calibration) -> None:
    depth = DepthImage(handle_before_a_wall(), 'camera', 0)
    assert prominent_surfaces(depth, calibration, SIZE, [], 18.0, DepthSettings()) == ()


# Peak; position in metres; of the covariance xx, yy, zz, xy, xz, yz in square millimetres; normal,
# which on the wall and the board is (-0.2822, 0.1881, -0.9407) apart from the noise.
POINTS = (
    (
        (151.9, 100.0),
        (-0.02267, -0.05629, 0.89484),
        (9.051, 8.128, 1.82, 0.15, -3.06, 1.57),
        (-0.3163, 0.1887, -0.9297),
    ),
    (
        (222.5, 90.0),
        (0.17517, -0.07938, 0.83413),
        (5.321, 7.312, 5.555, 0.467, -5.155, -0.642),
        (-0.7019, -0.0135, -0.7122),
    ),
    (
        (0, 0),
        (-0.57953, -0.42019, 1.09002),
        (22.906, 12.724, 29.071, 3.767, -16.854, -6.07),
        None,
    ),
)
PROBLEMS = (
    ((149.0, 100.0), 'a depth edge of 33 mm runs 0.5 pixels from the peak'),
    ((100, 199.0), 'a depth edge of 11 mm runs 0.5 pixels from the peak'),
    ((62.0, 33.0), 'the depth image has a hole at the peak'),
    ((-1, 5), 'the peak (-1.0, 5.0) lies outside the image'),
)


def inverse_depth() -> np.ndarray:
    """Of the wall alone."""
    v, u = np.mgrid[:240, :320]
    return 1 + 0.3 * (u - 159.5) / 300 - 0.2 * (v - 119.5) / 310


def scene(*, factor: float = 1.0) -> DepthImage:
    """240 x 320; its noise is the same everywhere, three times as much below column 30."""
    v, u = np.mgrid[:240, :320]
    metres = 1 / inverse_depth()
    metres[60:180, 150:165] -= 0.1
    # The edges of the bar lie 0.03 m behind its front.
    across = (u[:, 220:260] - 239.5) / 20
    metres[:, 220:260] = 0.85 - 0.03 * np.sqrt(1 - across**2)
    metres[200:, :140] += 0.012
    metres[30:36, 60:66] = 0
    hashed = (u * 73856093) ^ (v * 19349663)
    for shift, prime in ((15, 2246822519), (13, 3266489917), (16, 1)):
        hashed = (hashed ^ (hashed >> shift)) * prime % 2**32
    noise = factor * (hashed / 2**32 - 0.5) * np.where(u < 30, 0.04, 0.01)
    return DepthImage((metres * (1 + noise)).astype(np.float32), 'camera', 0)


def seen_in_scene(*peaks: tuple[float, float]) -> tuple[SurfacePoint, ...]:
    settings = DepthSettings(depth_noise=0.003)
    return measure_surfaces(scene(), CALIBRATION, (240, 320), peaks, settings)


@pytest.fixture(scope='module')
def points() -> tuple[SurfacePoint, ...]:
    return seen_in_scene(*(peak for peak, *_ in POINTS))


def test_positions(points: tuple[SurfacePoint, ...]) -> None:
    found = [(point.position is not None and point.position.tolist()) for point in points]

    np.testing.assert_allclose(found, [position for _, position, *_ in POINTS], atol=1e-5)


def test_covariances(points: tuple[SurfacePoint, ...]) -> None:
    found = []
    for point in points:
        assert point.covariance is not None
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = (1e6 * point.covariance).tolist()
        found.append((xx, yy, zz, xy, xz, yz))

    np.testing.assert_allclose(found, [one for _, _, one, _ in POINTS], atol=2e-3)


def test_normals(points: tuple[SurfacePoint, ...]) -> None:
    for point, (_, _, _, normal) in zip(points, POINTS, strict=True):
        assert (point.normal is None) == (normal is None)
        if normal is not None:
            assert point.normal == pytest.approx(normal, abs=1e-4)


def test_problems() -> None:
    points = seen_in_scene(*(peak for peak, _ in PROBLEMS))

    assert [point.problem for point in points] == [problem for _, problem in PROBLEMS]
    assert [point.position for point in points] == [None] * len(PROBLEMS)


def peaks_in(rows: range, columns: range) -> list[tuple[float, float]]:
    return [(float(column), float(row)) for row in rows for column in columns]


@pytest.mark.parametrize('factor', [1.0, 2.0])
def test_points_and_normals_are_given_and_accurate(factor: float) -> None:
    """On the wall and on the board, 15 pixels wide, also by a noisier sensor than thought."""
    normal = np.array([-0.3, 0.2, -1.0]) / np.sqrt(1.13)
    settings = DepthSettings(depth_noise=0.003)
    for nearer, peaks in (
        (0.0, peaks_in(range(12, 196, 11), range(76, 140, 9))),
        (0.1, peaks_in(range(66, 175, 4), range(157, 159))),
    ):
        found = measure_surfaces(scene(factor=factor), CALIBRATION, (240, 320), peaks, settings)

        known = [
            (point, 1 / inverse_depth()[int(v), int(u)] - nearer)
            for point, (u, v) in zip(found, peaks, strict=True)
            if point.position is not None
        ]
        assert len(known) >= 0.9 * len(peaks)
        errors = np.array([point.position[2] - depth for point, depth in known])
        assert np.median(np.abs(errors)) <= 0.003
        deviations = np.sqrt([point.covariance[2, 2] for point, _ in known])
        assert 0.5 < np.median(np.abs(errors) / deviations) / 0.6745 < 1.35
        cosines = [point.normal @ normal for point, _ in known if point.normal is not None]
        assert len(cosines) >= 0.9 * len(known)
        assert np.mean(np.array(cosines) >= np.cos(np.radians(10))) >= 0.95


@pytest.mark.parametrize(
    'peaks',
    [
        peaks_in(range(66, 175, 2), range(149, 151)),
        peaks_in(range(66, 175, 2), range(164, 166)),
        peaks_in(range(199, 201), range(10, 130, 2)),
        peaks_in(range(30, 36), range(60, 66)),
    ],
    ids=['left of the board', 'right of the board', 'a step of 12 mm', 'a hole'],
)
def test_no_point_from_edges_and_holes(peaks: list[tuple[float, float]]) -> None:
    found = seen_in_scene(*peaks)

    assert sum(point.position is not None for point in found) <= 0.03 * len(peaks)
