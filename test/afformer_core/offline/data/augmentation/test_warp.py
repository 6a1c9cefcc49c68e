# SPDX-License-Identifier: Apache-2.0
"""Pixels and points under literal homographies."""

from __future__ import annotations

import numpy as np

from afformer_core.offline.data.augmentation.geometric import inside, warp_images, warp_points


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
