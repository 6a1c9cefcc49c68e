# SPDX-License-Identifier: Apache-2.0
"""Hands over photographs: their light and shadow, and their size."""

from __future__ import annotations

import numpy as np

from afformer_sim.photographs.photograph_demonstration import (
    compose,
    light_of,
    plan_photograph_demonstration,
)
from afformer_sim.photographs.photograph_view import PhotographView

GREY = np.full((60, 80, 3), 100, np.uint8)


def square() -> tuple[np.ndarray, np.ndarray]:
    """A white hand of 10 x 10 pixels whose canvas has it at (20, 20)."""
    opacity = np.zeros((40, 40), np.float32)
    opacity[20:30, 20:30] = 1
    return np.ones((40, 40, 3), np.float32), opacity


def test_the_hand_is_where_the_corner_puts_it_in_the_light_of_the_photograph() -> None:
    light = np.array([1.0, 0.5, 0.2], np.float32)
    image = compose(GREY, square(), np.array([10.0, 5.0]), light, (0.0, 0.0, 0.0))
    np.testing.assert_array_equal(image[30, 35], [255, 128, 51])
    np.testing.assert_array_equal(image[24, 35], GREY[0, 0])
    np.testing.assert_array_equal(image[30, 41], GREY[0, 0])


def test_the_shadow_falls_beside_the_hand_and_takes_its_share() -> None:
    image = compose(GREY, square(), np.zeros(2), np.ones(3, np.float32), (4.0, 0.0, 0.5))
    assert 60 < image[25, 31, 0] < 75
    assert image[25, 31, 0] < image[25, 18, 0] < 100
    np.testing.assert_array_equal(image[25, 2], GREY[0, 0])


def test_light_is_dim_and_warm_where_the_photograph_is() -> None:
    bright = light_of(np.full((60, 80, 3), 230, np.uint8), np.array([40.0, 30.0]))
    dim = light_of(np.full((60, 80, 3), 30, np.uint8), np.array([40.0, 30.0]))
    warm = light_of(np.full((60, 80, 3), (200, 120, 60), np.uint8), np.array([40.0, 30.0]))
    assert bright.mean() > dim.mean() + 0.4
    assert warm[0] > warm[1] > warm[2]


SIZE = (64, 48)


def test_a_hand_has_16_to_50_per_cent_of_the_diagonal() -> None:
    shares = []
    for seed in range(3):
        position, rng = np.array([30.0, 20.0]), np.random.default_rng(seed)
        planned = plan_photograph_demonstration(PhotographView(SIZE, np.eye(3)), position, rng)
        view = planned.hand.view
        # 19 cm at the contact point, which the camera looks at
        across = np.array([[-0.095, 0.0, 0.0], [0.095, 0.0, 0.0]]) @ view.camera.rotation.T
        shares.append(np.linalg.norm(np.subtract(*view.pixels(across))) / 80)
    assert 0.16 < min(shares) < 0.3
    assert 0.45 < max(shares) < 0.5
