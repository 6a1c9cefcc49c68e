# SPDX-License-Identifier: Apache-2.0
"""Slants: how far corners move, and what fills the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.geometric import (
    PerspectiveSettings,
    draw_perspective,
    inside,
    warp_images,
    warp_points,
)

SIZE = (60, 80)
CORNERS = np.array([[0.0, 0.0], [79.0, 0.0], [79.0, 59.0], [0.0, 59.0]])


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


def test_the_image_stays_whole_at_the_largest_distortion() -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :80]
    everywhere = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64)
    for _ in range(100):
        slant = draw_perspective(PerspectiveSettings(distortion=0.6), SIZE, rng)
        assert slant is not None
        moved = warp_points(everywhere, slant)
        assert inside(moved.round(3), SIZE).all()


def test_pixels_and_points_move_alike(
    dot_image: Callable[..., np.ndarray], dot_position: Callable[..., np.ndarray]
) -> None:
    rng = np.random.default_rng(0)
    point = np.array([[47.0, 22.0]])
    image = dot_image(SIZE, [(47, 22)])
    for _ in range(20):
        slant = draw_perspective(PerspectiveSettings(distortion=0.4), SIZE, rng)
        assert slant is not None
        moved = warp_points(point, slant)
        position = dot_position(warp_images(image[None], slant)[0], moved[0])
        np.testing.assert_allclose(position, moved[0], atol=0.3)


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


def test_no_corner_turns_black() -> None:
    slant = draw_perspective(PerspectiveSettings(distortion=0.6), SIZE, np.random.default_rng(0))
    assert slant is not None
    light = np.full((1, *SIZE, 3), 200, np.uint8)
    np.testing.assert_array_equal(warp_images(light, slant), light)


@pytest.mark.parametrize(
    'settings', [PerspectiveSettings(), PerspectiveSettings(distortion=0.5, probability=0.0)]
)
def test_no_slant(settings: PerspectiveSettings) -> None:
    assert draw_perspective(settings, SIZE, np.random.default_rng(0)) is None


@pytest.mark.parametrize(
    'wrong',
    [{'distortion': -0.1}, {'distortion': 1.1}, {'probability': -1.0}, {'border': 'black'}],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='expected'):
        PerspectiveSettings(**wrong)
