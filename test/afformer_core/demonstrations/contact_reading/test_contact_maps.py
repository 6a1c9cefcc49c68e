# SPDX-License-Identifier: Apache-2.0
"""Maps of literal hands, changes and removals."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.contact_maps import (
    change_map,
    combined_map,
    hand_map,
    removal_map,
)
from afformer_core.demonstrations.contact_reading.hand_paths import (
    ObservedFrame,
    TrackedHand,
    hand_mask,
)

from .dragged_square import OPEN_HAND, WALL

HEIGHT, WIDTH = 60, 80
NOWHERE = np.zeros((HEIGHT, WIDTH), bool)


def test_the_map_of_a_hand_falls_off_by_a_fortieth_of_the_diagonal():
    tips = np.array([[20.5, 30.5], [60.5, 10.5]])
    found = hand_map(tips, np.array([-0.7, 0.0]), (HEIGHT, WIDTH))
    # the diagonal is 100, the deviation 2.5 pixels
    assert found[30, 20] == pytest.approx(-0.7)
    assert found[30, 25] == pytest.approx(-0.7 - 2.0)
    assert found[34, 23] == pytest.approx(-0.7 - 2.0)
    assert found[10, 60] == 0.0


def test_the_map_of_a_hand_holds_its_greatest_weight():
    tips = np.array([[20.5, 30.5], [22.5, 30.5]])
    found = hand_map(tips, np.array([0.0, -1.0]), (HEIGHT, WIDTH))
    assert found[30, 22] == pytest.approx(-0.32)
    assert found[30, 24] == pytest.approx(max(-16 / 12.5, -1 - 4 / 12.5))


def test_moments_that_hardly_count_are_left_out():
    tips = np.array([[20.5, 30.5], [60.5, 10.5], [60.5, 50.5]])
    found = hand_map(tips, np.array([-5.0, -13.1, -12.9]), (HEIGHT, WIDTH))
    assert found[50, 60] == pytest.approx(-12.9)
    assert found[10, 60] < -100.0


def wall() -> np.ndarray:
    return np.ascontiguousarray(WALL[:HEIGHT, :WIDTH])


def test_what_looks_different_in_the_end_has_changed():
    last = wall()
    last[18:33, 48:65] += 90
    last[38:53, 9:26] += 30
    found = change_map(wall(), last, np.eye(3), NOWHERE)
    assert found.max() == 1.0
    assert found[25, 56] > 0.98
    assert found[45, 16] == pytest.approx(1 / 3, abs=0.01)
    assert found[8, 16] < 0.001


def test_a_change_counts_less_where_a_hand_was_in_the_first_frame():
    last = wall()
    last[18:33, 48:65] += 90
    last[38:53, 9:26] += 90
    hands = NOWHERE.copy()
    hands[:35] = True
    found = change_map(wall(), last, np.eye(3), hands)
    assert found[25, 56] == pytest.approx(0.3, abs=0.01)
    assert found[45, 16] > 0.98


def test_the_last_frame_is_moved_to_the_first():
    last = np.ascontiguousarray(WALL[6 : HEIGHT + 6, 9 : WIDTH + 9])
    last[20:30, 50:62] += 90
    to_first = np.array([[1.0, 0.0, 9.0], [0.0, 1.0, 6.0], [0.0, 0.0, 1.0]])
    found = change_map(wall(), last, to_first, NOWHERE)
    assert found[31, 65] > 0.98
    assert found[15:50, 15:40].max() < 0.01


def test_a_change_of_one_colour_counts_in_full():
    last = wall()
    last[18:33, 48:65, 2] += 90
    assert change_map(wall(), last, np.eye(3), NOWHERE).max() == 1.0


def test_a_shadow_is_no_clear_change():
    # a change of 60 grey levels is clear
    last = wall()
    last[15:35, 40:70] += 24
    found = change_map(wall(), last, np.eye(3), NOWHERE)
    assert found.max() == pytest.approx(0.4, abs=0.005)


def test_where_nothing_changes_the_map_is_zero():
    assert not change_map(wall(), wall(), np.eye(3), NOWHERE).any()


FLAT = np.zeros((6, 8), np.float32)


def test_the_combined_map_is_a_distribution():
    prior = np.linspace(-9.0, -2.0, 48, dtype=np.float32).reshape(6, 8)
    change = np.linspace(0, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    found = combined_map(prior, change, [hand_map(np.array([[20.0, 9.0]]), np.zeros(1), (60, 80))])
    assert np.exp(found).sum() == pytest.approx(1.0)


def test_the_prior_counts_as_it_is():
    prior = FLAT.copy()
    prior[2, 5] = 1.75
    found = combined_map(prior, np.zeros((HEIGHT, WIDTH)), [])
    # the middle of that position is between pixels 54 and 55, 24 and 25
    assert found[25, 55] - found[55, 5] == pytest.approx(1.75 * 0.95 * 0.95, rel=0.01)


def test_a_change_counts_by_its_power_of_one_and_a_half():
    change = np.zeros((HEIGHT, WIDTH))
    change[10, 12] = 0.75
    found = combined_map(FLAT, change, [])
    # (0.75 + 0.05) / 0.05
    assert found[10, 12] - found[40, 12] == pytest.approx(1.5 * np.log(16.0))


def test_a_hand_excludes_nothing():
    hands = [np.full((HEIGHT, WIDTH), -np.inf) for _ in range(2)]
    hands[0][5, 7], hands[1][9, 70] = -1.2, -1.2 + np.log(0.38)
    found = combined_map(FLAT, np.zeros((HEIGHT, WIDTH)), hands)
    # the best hand has weight 1 however sure it is, the other 0.38, and 0.02 is added
    assert found[5, 7] - found[50, 50] == pytest.approx(np.log(51.0))
    assert found[9, 70] - found[50, 50] == pytest.approx(np.log(20.0))


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
