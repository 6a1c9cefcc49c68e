# SPDX-License-Identifier: Apache-2.0
"""The surface that is meant where a peak lies beside something, on depth images without noise."""

import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.prominent_surface import PlacedSurface, prominent_surfaces
from afformer_core.geometry.surface import SurfaceSettings

SIZE = (480, 640)


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
