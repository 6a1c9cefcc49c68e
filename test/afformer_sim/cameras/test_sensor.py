# SPDX-License-Identifier: Apache-2.0
"""Distortion of points and images, and the defects of sensors."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from afformer_sim.cameras.sensor import Sensor, distortion_maps

SIZES = [(256, 192), (256, 144), (200, 200), (144, 256)]


def flawless(**defects: Any) -> Sensor:
    """A sensor with no defects but the given ones."""
    values: dict[str, Any] = {'gain': np.ones(3), 'gamma': 1.0, 'blur': 0.0, 'noise': 0.0}
    return Sensor(**{**values, **defects})


def test_points_move_along_their_rays() -> None:
    points = np.array([[100.0, 50.0], [200.0, 50.0], [100.0, 100.0], [200.0, 100.0]])
    barrel = flawless(distortion=-0.05).distort_points(points, (201, 101))
    # corners stay, and the middle does
    np.testing.assert_allclose(barrel[[0, 3]], points[[0, 3]])
    # half diagonals: 100 / 111.8 squared is 0.8, 50 / 111.8 squared is 0.2
    np.testing.assert_allclose(barrel[1], [100 + 100 * 0.96 / 0.95, 50])
    np.testing.assert_allclose(barrel[2], [100, 50 + 50 * 0.99 / 0.95])
    cushion = flawless(distortion=0.05).distort_points(points, (201, 101))
    np.testing.assert_allclose(cushion[2], [100, 100])
    np.testing.assert_allclose(cushion[3], [100 + 100 * 1.05 / 1.01, 50 + 50 * 1.05 / 1.01])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('distortion', [-0.06, -0.01, 0.03, 0.06])
def test_maps_say_where_each_pixel_comes_from(size: tuple[int, int], distortion: float) -> None:
    maps = distortion_maps(size, distortion)
    ideal = np.stack(cv2.convertMaps(*maps, cv2.CV_32FC1)[:2], axis=-1).reshape(-1, 2)
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    seen = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    # the maps have steps of 1/32 pixel
    np.testing.assert_allclose(
        flawless(distortion=distortion).distort_points(ideal, size), seen, atol=0.03
    )
    assert ideal.min() > -0.03
    assert (ideal < np.array(size) - 0.97).all()


SIZE = (256, 192)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def image() -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), (90, 120, 150), np.uint8)
    image[60:100, 80:160] = (200, 60, 40)
    return image


def dots() -> tuple[np.ndarray, np.ndarray]:
    """Soft white dots on black, and their middles, [P, 2] pixels."""
    x, y = np.meshgrid(np.linspace(14.3, 241.2, 8), np.linspace(12.6, 179.1, 6))
    middles = np.stack([x, y], axis=-1).reshape(-1, 2)
    columns, rows = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    light = np.zeros(columns.shape)
    for u, v in middles:
        light += np.exp(-((columns - u) ** 2 + (rows - v) ** 2) / (2 * 1.6**2))
    return np.repeat(np.round(250 * light)[..., None], 3, axis=2).astype(np.uint8), middles


def centroid(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Middle [2] of the brightness within 7 pixels of a point."""
    left, top = np.round(near).astype(int) - 7
    columns, rows = np.meshgrid(np.arange(left, left + 15), np.arange(top, top + 15))
    inside = (columns >= 0) & (rows >= 0) & (columns < SIZE[0]) & (rows < SIZE[1])
    columns, rows = columns[inside], rows[inside]
    weights = image[rows, columns].mean(axis=1)
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize('distortion', [0.0, -0.06, 0.06])
def test_all_defects_together_leave_points_where_they_are_said_to_be(
    distortion: float, rng: np.random.Generator
) -> None:
    image, middles = dots()
    sensor = flawless(
        blur=0.8,
        distortion=distortion,
        vignetting=0.4,
        chromatic_shift=1.2,
        smear=6.0,
        smear_angle=0.6,
        banding=0.12,
        quality=80,
    )
    exposed = sensor.expose(image, rng)
    moved = sensor.distort_points(middles, SIZE)
    seen = np.array([centroid(exposed, near) for near in moved])
    assert np.hypot(*(seen - moved).T).max() < 0.3


def test_gain_and_gamma_make_the_tone_curve(rng: np.random.Generator) -> None:
    grey = np.full((4, 4, 3), 64, np.uint8)
    exposed = flawless(gain=np.array([1.0, 2.0, 8.0]), gamma=0.5).expose(grey, rng)
    # the square root of 64 / 255 is 0.501
    np.testing.assert_array_equal(exposed[0, 0], [127, 255, 255])


def test_automatic_exposure_makes_images_equally_bright(rng: np.random.Generator) -> None:
    sensor = flawless(automatic=True)
    means = [
        float(sensor.expose(np.full((16, 16, 3), level, np.uint8), rng).mean())
        for level in (20, 60, 105, 220)
    ]
    assert means == pytest.approx([50, 105, 105, 176], abs=1)


def test_noise_has_its_standard_deviation_and_differs_each_time(rng: np.random.Generator) -> None:
    grey = np.full((192, 256, 3), 128, np.uint8)
    sensor = flawless(noise=5.0)
    first, second = sensor.expose(grey, rng), sensor.expose(grey, rng)
    assert first.astype(float).std() == pytest.approx(5, rel=0.05)
    assert (first.astype(int) - second).std() == pytest.approx(5 * 2**0.5, rel=0.05)


def test_vignetting_takes_its_share_from_the_corners(rng: np.random.Generator) -> None:
    grey = np.full((101, 151, 3), 200, np.uint8)
    exposed = flawless(vignetting=0.4).expose(grey, rng)
    np.testing.assert_array_equal(exposed[50, 75], [200, 200, 200])
    np.testing.assert_array_equal(exposed[0, 0], [120, 120, 120])


def test_red_moves_out_of_the_image_and_blue_into_it(rng: np.random.Generator) -> None:
    image, middles = dots()
    exposed = flawless(chromatic_shift=1.2).expose(image, rng)
    from_middle = [
        np.hypot(*(centroid(exposed[..., [i, i, i]], middles[0]) - (127.5, 95.5)))
        for i in range(3)
    ]
    assert from_middle[0] - from_middle[1] == pytest.approx(1.05, abs=0.15)
    assert from_middle[2] - from_middle[1] == pytest.approx(-1.05, abs=0.15)


def test_a_smear_spreads_a_point_along_its_direction(rng: np.random.Generator) -> None:
    point = np.zeros((21, 31, 3), np.uint8)
    point[10, 15] = 255
    exposed = flawless(smear=6.0, smear_angle=0.0).expose(point, rng)
    rows, columns = np.nonzero(exposed[..., 0])
    assert np.ptp(columns) >= 2
    assert set(rows) == {10}


def test_banding_darkens_whole_rows(rng: np.random.Generator) -> None:
    grey = np.full((60, 80, 3), 200, np.uint8)
    exposed = flawless(banding=0.1).expose(grey, rng)
    assert (exposed == exposed[:, :1]).all()
    assert exposed.min() == 180
    assert exposed.max() == 200
    assert np.unique(exposed).size > 10


def test_compression_loses_fine_colours(image: np.ndarray, rng: np.random.Generator) -> None:
    exposed = flawless(quality=40).expose(image, rng)
    assert exposed.shape == image.shape
    error = np.abs(exposed.astype(int) - image)
    assert error.max() > 5
    assert error.mean() < 5
