# SPDX-License-Identifier: Apache-2.0
"""Clouds of heatmaps over simple depth images."""

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.cloud import weighted_cloud
from afformer_core.geometry.surface import SurfaceSettings

SETTINGS = SurfaceSettings()


def flat(metres: float = 1.2) -> np.ndarray:
    return np.full((480, 640), metres, np.float32)


def heatmap(value: float = 0.5) -> np.ndarray:
    marked = np.zeros((480, 640), np.float32)
    marked[100:110, 200:220] = value
    marked[105, 205] = 2 * value
    return marked


def cloud_of(values: np.ndarray, calibration: Calibration, **limits: float) -> np.ndarray:
    depth = DepthImage(values, 'camera', 0)
    return weighted_cloud(heatmap(), depth, calibration, SETTINGS, **limits)


def test_points_and_weights(calibration: Calibration) -> None:
    cloud = cloud_of(flat(), calibration)

    assert cloud.shape == (200, 4)
    assert cloud.dtype == np.float32
    np.testing.assert_allclose(
        cloud[0], [(200 - 319.5) * 1.2 / 600, (100 - 239.5) * 1.2 / 600, 1.2, 0.5], rtol=1e-6
    )
    assert (cloud[:, 3] == 1).sum() == 1


def test_weak_pixels_are_left_out(calibration: Calibration) -> None:
    assert len(cloud_of(flat(), calibration, least_weight=0.6)) == 1


def test_holes_and_depths_out_of_range_are_left_out(calibration: Calibration) -> None:
    values = flat()
    values[100:110, 200:205] = np.nan
    values[100:110, 215:220] = 0.05

    cloud = cloud_of(values, calibration)

    # The columns next to both still have six neighbours on the surface.
    assert len(cloud) == 100


def test_flying_pixels_and_edges_are_left_out(calibration: Calibration) -> None:
    values = flat()
    values[:, 210] = 1.5
    values[:, 211:] = 2.0

    cloud = cloud_of(values, calibration)

    assert set(cloud[:, 2].tolist()) == {np.float32(1.2), 2.0}
    assert len(cloud) == 200 - 10 * 3


@pytest.mark.parametrize('maximum', [1, 7, 100, 199, 200])
def test_no_more_points_than_expected(calibration: Calibration, maximum: int) -> None:
    cloud = cloud_of(flat(), calibration, maximum_points=maximum)

    assert maximum / 2 < len(cloud) <= maximum


def test_depth_of_half_the_size(calibration: Calibration) -> None:
    cloud = cloud_of(np.full((240, 320), 1.2, np.float32), calibration)

    # The first pixel of the depth image covers columns 200, 201 and rows 100, 101.
    np.testing.assert_allclose(
        cloud[0, :3], [(200.5 - 319.5) * 0.002, (100.5 - 239.5) * 0.002, 1.2], rtol=1e-6
    )
    assert len(cloud) == 50


def test_an_empty_heatmap_has_no_points(calibration: Calibration) -> None:
    depth = DepthImage(flat(), 'camera', 0)
    empty = np.zeros((480, 640), np.float32)

    assert weighted_cloud(empty, depth, calibration, SETTINGS).shape == (0, 4)
