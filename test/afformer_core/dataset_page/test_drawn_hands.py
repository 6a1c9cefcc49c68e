# SPDX-License-Identifier: Apache-2.0
"""Hands drawn into frames."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.dataset_page.drawn_hands import draw_hands
from afformer_core.hands.hand import Hand

ORANGE, BLUE = (255, 150, 0), (0, 200, 255)


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (abs(pixels - colour) < 25).all(-1)


def test_hands_are_drawn_by_contact_at_the_scale_of_the_frame() -> None:
    in_contact = Hand((30.0, 20.0, 62.0, 44.0), True, 0.95)
    idle = Hand((4.0, 20.0, 24.0, 44.0), False, 0.99)

    drawn = draw_hands(np.zeros((64, 96, 3), np.uint8), (idle, in_contact), 2.5)

    assert drawn.shape == (160, 240, 3)
    for colour, left, right in ((ORANGE, 30, 62), (BLUE, 4, 24)):
        columns = np.flatnonzero(near(drawn.astype(int), colour).sum(0) > 40)
        assert (columns.min(), columns.max()) == pytest.approx((2.5 * left, 2.5 * right), abs=3)


def test_a_contact_point_is_a_dot() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    drawn = draw_hands(image, (Hand((5.0, 25.0, 55.0, 55.0), True, 0.9, (30.0, 40.0)),), 1.0)
    inside = near(drawn.astype(int), ORANGE)[30:50, 10:50]
    rows, columns = inside.nonzero()
    assert (rows.mean() + 30, columns.mean() + 10) == (40, 30)


def test_a_box_beyond_the_image_is_drawn_as_far_as_it_is_seen() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    drawn = draw_hands(image, (Hand((-10.0, -10.0, 30.0, 90.0), True, 0.9),), 2.0)
    assert drawn.shape == (80, 120, 3)
    assert near(drawn.astype(int), ORANGE)[:, 58:61].any(1).all()
    assert not image.any()
