# SPDX-License-Identifier: Apache-2.0
"""Crops: their areas and shapes, and the points that they keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.geometric import (
    CropSettings,
    draw_crop,
    inside,
    warp_images,
    warp_points,
)

SIZE = (60, 80)


def rectangle(crop: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, width and height of the part, in pixels, of an image of SIZE."""
    corners = np.array([[-0.5, -0.5], [SIZE[1] - 0.5, SIZE[0] - 0.5]])
    (left, top), (right, bottom) = warp_points(corners, np.linalg.inv(crop)) + 0.5
    return left, top, right - left, bottom - top


def test_a_part_lies_in_the_image_and_has_the_expected_area_and_shape() -> None:
    rng = np.random.default_rng(0)
    areas, shapes = [], []
    for _ in range(300):
        crop = draw_crop(CropSettings(scale=(0.2, 0.5), aspect=(0.5, 2.0)), SIZE, rng)
        assert crop is not None
        left, top, width, height = rectangle(crop)
        assert min(left, top) > -1e-9
        assert left + width < 80 + 1e-9
        assert top + height < 60 + 1e-9
        areas.append(width * height / 4800)
        shapes.append((width / 80) / (height / 60))
    np.testing.assert_allclose([min(areas), max(areas)], [0.2, 0.5], atol=0.01)
    np.testing.assert_allclose([min(shapes), max(shapes)], [0.5, 2.0], atol=0.05)


def test_a_part_is_no_longer_than_the_image() -> None:
    crop = draw_crop(
        CropSettings(scale=(0.9, 0.9), aspect=(2.0, 2.0)), SIZE, np.random.default_rng(0)
    )
    assert crop is not None
    left, _, width, height = rectangle(crop)
    assert (left, width) == pytest.approx((0, 80))
    assert height == pytest.approx(60 * (0.9 / 2) ** 0.5)


def test_pixels_and_points_move_alike(
    dot_image: Callable[..., np.ndarray], dot_position: Callable[..., np.ndarray]
) -> None:
    rng = np.random.default_rng(0)
    point = np.array([[47.0, 22.0]])
    image = dot_image(SIZE, [(47, 22)])
    for _ in range(20):
        crop = draw_crop(CropSettings(scale=(0.4, 0.9), aspect=(0.7, 1.4)), SIZE, rng, [point])
        assert crop is not None
        moved = warp_points(point, crop)
        if inside(moved - 6, SIZE) and inside(moved + 6, SIZE):
            position = dot_position(warp_images(image[None], crop)[0], moved[0])
            np.testing.assert_allclose(position, moved[0], atol=0.1)


def test_each_set_of_points_keeps_one_in_the_image() -> None:
    rng = np.random.default_rng(0)
    first = np.array([[5.0, 5.0], [70.0, 50.0]])
    second = np.array([[8.0, 30.0], [900.0, 30.0]])
    found = 0
    for _ in range(200):
        crop = draw_crop(CropSettings(scale=(0.6, 0.6)), SIZE, rng, [first, second])
        if crop is not None:
            found += 1
            assert inside(warp_points(first, crop), SIZE).any()
            assert inside(warp_points(second, crop), SIZE).any()
    assert found > 100


def test_points_that_no_crop_can_keep_leave_the_image_whole() -> None:
    corners = [np.array([[0.0, 0.0]]), np.array([[79.0, 59.0]])]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert draw_crop(CropSettings(scale=(0.3, 0.3)), SIZE, rng, corners) is None


def test_a_image_whose_points_are_all_outside_stays_whole() -> None:
    outside = [np.array([[-5.0, 5.0]])]
    assert (
        draw_crop(CropSettings(scale=(0.3, 0.3)), SIZE, np.random.default_rng(0), outside) is None
    )


@pytest.mark.parametrize(
    'settings', [CropSettings(), CropSettings(scale=(0.3, 0.5), probability=0.0)]
)
def test_no_crop(settings: CropSettings) -> None:
    assert draw_crop(settings, SIZE, np.random.default_rng(0)) is None


@pytest.mark.parametrize(
    'wrong',
    [
        {'scale': (0.0, 1.0)},
        {'scale': (0.8, 0.5)},
        {'scale': (0.5, 1.1)},
        {'aspect': (0.0, 1.0)},
        {'aspect': (1.0, 0.5)},
        {'aspect': (1.0, float('inf'))},
        {'probability': 1.1},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='expected'):
        CropSettings(**wrong)
