# SPDX-License-Identifier: Apache-2.0
"""Crops, changes of perspective, and the pixels and points that they move."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.geometric import (
    CropSettings,
    PerspectiveSettings,
    draw_crop,
    draw_perspective,
    inside,
    warp_images,
    warp_points,
)

SIZE = (60, 80)
CORNERS = np.array([[0.0, 0.0], [79.0, 0.0], [79.0, 59.0], [0.0, 59.0]])


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


@pytest.mark.parametrize(
    'points',
    [
        pytest.param([np.array([[0.0, 0.0]]), np.array([[79.0, 59.0]])], id='too far apart'),
        pytest.param([np.array([[-5.0, 5.0]])], id='all outside'),
    ],
)
def test_points_that_no_crop_can_keep_leave_the_image_whole(points: list[np.ndarray]) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert draw_crop(CropSettings(scale=(0.3, 0.3)), SIZE, rng, points) is None


def test_nothing_is_drawn_by_default_or_without_probability() -> None:
    rng = np.random.default_rng(0)
    for crop in (CropSettings(), CropSettings(scale=(0.3, 0.5), probability=0.0)):
        assert draw_crop(crop, SIZE, rng) is None
    for slant in (PerspectiveSettings(), PerspectiveSettings(distortion=0.5, probability=0.0)):
        assert draw_perspective(slant, SIZE, rng) is None


def test_corners_move_inwards_within_the_limit() -> None:
    rng = np.random.default_rng(0)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    steps = []
    for _ in range(300):
        slant = draw_perspective(PerspectiveSettings(distortion=0.5), SIZE, rng)
        assert slant is not None
        steps.append((warp_points(CORNERS, slant) - CORNERS) * inwards)
    assert np.min(steps) > -1e-3
    np.testing.assert_allclose(np.max(steps, axis=(0, 1)), [20, 15], atol=0.3)


def test_no_draw_folds_the_image_at_a_distortion_of_1() -> None:
    rng = np.random.default_rng(0)
    farthest = 0.0
    for _ in range(300):
        slant = draw_perspective(PerspectiveSettings(distortion=1.0), SIZE, rng)
        assert slant is not None
        moved = warp_points(CORNERS, slant)
        along = np.roll(moved, -1, axis=0) - moved
        following = np.roll(along, -1, axis=0)
        assert (along[:, 0] * following[:, 1] - along[:, 1] * following[:, 0] > 0).all()
        farthest = max(farthest, float(np.abs(moved - CORNERS)[:, 0].max()))
    # Up to the middle, which half of a width of 80 is.
    assert 35 < farthest <= 40


def test_a_cropped_image_reaches_all_four_sides() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        slant = draw_perspective(PerspectiveSettings(distortion=0.5, border='crop'), SIZE, rng)
        assert slant is not None
        moved = warp_points(CORNERS, slant)
        np.testing.assert_allclose(moved.min(axis=0), (0, 0), atol=1e-3)
        np.testing.assert_allclose(moved.max(axis=0), (79, 59), atol=1e-3)


def test_what_is_outside_may_be_black() -> None:
    light = np.full((1, *SIZE, 3), 200, np.uint8)
    there = np.array([[1.0, 0, 20], [0, 1, 0], [0, 0, 1]])
    moved = warp_images(light, there, black_outside=True)[0]
    assert (moved[:, :19] == 0).all()
    assert (moved[:, 21:] == 200).all()


def test_a_shift_moves_whole_pixels_and_reflects_the_rest() -> None:
    images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    shift = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    moved = warp_images(images, shift)
    np.testing.assert_array_equal(moved[:, :, 1:], images[:, :, :-1])
    np.testing.assert_array_equal(moved[:, :, 0], images[:, :, 1])
    assert warp_points(np.array([[2.0, 1.0]]), shift).tolist() == [[3.0, 1.0]]


def test_a_point_beyond_the_horizon_stays_out_of_the_image() -> None:
    slant = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.01, 0.0, 1.0]])
    near, far = warp_points(np.array([[50.0, 10.0], [150.0, 10.0]]), slant)
    assert near.tolist() == [100.0, 20.0]
    assert far[0] > 1e6


def test_inside_is_between_the_outermost_centres() -> None:
    points = np.array([[0.0, 0.0], [7.0, 4.0], [7.1, 0.0], [0.0, -0.1], [3.0, 4.5]])
    assert inside(points, (5, 8)).tolist() == [True, True, False, False, False]
