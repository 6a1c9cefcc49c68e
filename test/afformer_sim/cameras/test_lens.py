# SPDX-License-Identifier: Apache-2.0
"""Distortion of points and of images."""

import cv2
import numpy as np
import pytest

from afformer_sim.cameras.lens import distort_points, distortion_maps

SIZES = [(256, 192), (256, 144), (200, 200), (144, 256)]


def test_points_move_along_their_rays() -> None:
    points = np.array([[100.0, 50.0], [200.0, 50.0], [100.0, 100.0], [200.0, 100.0]])
    barrel = distort_points(points, (201, 101), -0.05)
    # corners stay, and the middle does
    np.testing.assert_allclose(barrel[[0, 3]], points[[0, 3]])
    # half diagonals: 100 / 111.8 squared is 0.8, 50 / 111.8 squared is 0.2
    np.testing.assert_allclose(barrel[1], [100 + 100 * 0.96 / 0.95, 50])
    np.testing.assert_allclose(barrel[2], [100, 50 + 50 * 0.99 / 0.95])
    cushion = distort_points(points, (201, 101), 0.05)
    np.testing.assert_allclose(cushion[2], [100, 100])
    np.testing.assert_allclose(cushion[3], [100 + 100 * 1.05 / 1.01, 50 + 50 * 1.05 / 1.01])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('distortion', [-0.06, 0.06])
def test_points_inside_94_per_cent_stay_in_the_image(
    size: tuple[int, int], distortion: float
) -> None:
    middle = (np.array(size) - 1) / 2
    grid = np.stack(np.meshgrid(*[np.linspace(-0.94, 0.94, 21)] * 2), axis=-1).reshape(-1, 2)
    moved = distort_points(middle + grid * (middle + 0.5), size, distortion)
    assert (moved >= -0.5).all()
    assert (moved <= np.array(size) - 0.5).all()


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('distortion', [-0.06, -0.01, 0.03, 0.06])
def test_maps_say_where_each_pixel_comes_from(size: tuple[int, int], distortion: float) -> None:
    maps = distortion_maps(size, distortion)
    ideal = np.stack(cv2.convertMaps(*maps, cv2.CV_32FC1)[:2], axis=-1).reshape(-1, 2)
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    seen = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    # the maps have steps of 1/32 pixel
    np.testing.assert_allclose(distort_points(ideal, size, distortion), seen, atol=0.03)
    assert ideal.min() > -0.03
    assert (ideal < np.array(size) - 0.97).all()
