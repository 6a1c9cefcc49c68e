# SPDX-License-Identifier: Apache-2.0
"""Composition of a hand over a photograph: opacity, light, shadow, position."""

from __future__ import annotations

import numpy as np

from afformer_sim.photographs.photograph_demonstration import HandImage, compose, light_of

GREY = np.full((60, 80, 3), 100, np.uint8)


def square() -> HandImage:
    """A white hand of 10 x 10 pixels whose canvas has it at (20, 20)."""
    opacity = np.zeros((40, 40), np.float32)
    opacity[20:30, 20:30] = 1
    return HandImage(np.ones((40, 40, 3), np.float32), opacity)


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
