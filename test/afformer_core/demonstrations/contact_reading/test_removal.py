# SPDX-License-Identifier: Apache-2.0
"""Removal of a drawn square from a wall, and what is no removal."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.contact_maps import removal_map
from afformer_core.demonstrations.contact_reading.hand_paths import (
    ObservedFrame,
    TrackedHand,
    hand_mask,
)

from .dragged_square import OPEN_HAND

# The diagonal is 100 pixels.
HEIGHT, WIDTH = 60, 80
HAND = np.array([22.0, 28.0]) + 8.0 * OPEN_HAND


def frame(
    number: int, square: int | None = None, blue: int = 180, shift: int = 0, hand: bool = False
) -> ObservedFrame:
    """A frame of a dark wall with a blue square that begins at a column, unless it is None."""
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    if square is not None:
        image[20:34, square + shift : square + shift + 14, 2] = blue
    to_first = np.eye(3)
    to_first[0, 2] = -shift
    return ObservedFrame(image, number / 10, to_first, (TrackedHand(0, HAND),) if hand else ())


def test_an_object_is_removed_where_it_was_and_not_where_it_is_put():
    found = removal_map([frame(k, 12 if k < 7 else 52) for k in range(14)])
    assert (found.dtype, found.shape) == (np.float32, (HEIGHT, WIDTH))
    assert found[27, 12] == 2.0
    assert found[27, 66] == -2.0
    np.testing.assert_array_equal(found[:, 39], 0.0)


def test_an_object_that_changes_its_shade_is_not_removed():
    # its edges are 120 / 80 times as strong at first
    found = removal_map([frame(k, 12, blue=180 if k < 7 else 140) for k in range(14)])
    assert found[27, 12] == pytest.approx(np.log(120 / 80), abs=0.01)


@pytest.mark.parametrize(('blue', 'changes'), [(81, False), (84, True)])
def test_a_change_of_22_levels_is_clear(blue, changes):
    found = removal_map([frame(k, 12 if k < 7 else None, blue=blue) for k in range(14)])
    assert found.any() == changes


@pytest.mark.parametrize(('blue', 'changes'), [(165, False), (180, True)])
def test_the_mean_of_five_frames_is_compared(blue, changes):
    # a flash of 105 levels in one of five frames is one of 21 levels in their mean
    found = removal_map([frame(k, 12 if k == 2 else None, blue=blue) for k in range(14)])
    assert found.any() == changes


def frames_of_a_hand(seen: range, detected: range) -> list[ObservedFrame]:
    """Frames in which a hand is seen, and those in which it is also detected."""
    frames = [frame(k, hand=k in detected) for k in range(16)]
    for k in seen:
        frames[k].image[hand_mask([HAND], (HEIGHT, WIDTH))] = 200
    return frames


@pytest.mark.parametrize(('missed', 'changes'), [(2, False), (4, True)])
def test_a_hand_that_is_missed_in_two_frames_is_no_change(missed, changes):
    found = removal_map(frames_of_a_hand(range(4 + missed), range(4)))
    assert found.any() == changes


def test_a_line_that_is_one_pixel_wide_is_no_object():
    frames = [frame(k) for k in range(14)]
    for one in frames[:7]:
        one.image[20:40, 50] = 130
    assert not removal_map(frames).any()


def test_the_camera_is_followed():
    still = removal_map([frame(k, 30, shift=k) for k in range(14)])
    np.testing.assert_array_equal(still, 0.0)
    taken = removal_map([frame(k, 30 if k < 7 else None, shift=k) for k in range(14)])
    assert taken[27, 30] == 2.0
