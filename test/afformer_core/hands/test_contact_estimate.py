# SPDX-License-Identifier: Apache-2.0
"""Hands over time: contact where one rests, whatever its size, and the track of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from afformer_core.hands.contact_estimate import REST, ContactEstimate, fingertips, hand_size
from afformer_core.hands.hand_tracks import HandTracks

from ..offline.maskahand.landmarks import pointing_hand

_IMAGE = (1280, 720)
# A hand comes to x = 600 within 0.5 s, rests there for 0.7 s, and leaves; 10 frames a second.
_PRESS = [300, 360, 430, 500, 560, 600, 602, 600, 599, 600, 601, 600, 600, 540, 480, 420, 360, 300]


def _estimates(
    hands: Sequence[np.ndarray], rate: float, image: tuple[int, int] = _IMAGE
) -> list[float]:
    """Of each frame, asked as a stream asks: when half a second more was seen."""
    estimate = ContactEstimate()
    found: list[float] = []
    for number, hand in enumerate(hands):
        estimate.observe(number / rate, hand, image)
        while len(found) / rate <= number / rate - REST:
            found.append(estimate.at(len(found) / rate))
    return found + [estimate.at(number / rate) for number in range(len(found), len(hands))]


def test_a_pointing_hand_touches_with_its_index_finger() -> None:
    assert fingertips(pointing_hand(600, 300)).tolist() == [600, 300]


def test_a_pinching_hand_holds_something_between_two_fingers() -> None:
    hand = pointing_hand(600, 300)
    hand[4] = (590, 310)
    assert fingertips(hand).tolist() == [595, 305]


def test_a_hand_that_comes_rests_and_leaves() -> None:
    found = _estimates([pointing_hand(x, 300) for x in _PRESS], 10)
    assert min(found[5:13]) > 0.95
    assert max(found[:4] + found[14:]) < 0.2


def test_a_hand_that_passes_by() -> None:
    assert max(_estimates([pointing_hand(200 + 30 * k, 300) for k in range(30)], 10)) < 0.5


def test_a_waving_hand_stands_still_where_it_turns_and_touches_nothing() -> None:
    xs = [600 + 150 * math.cos(2 * math.pi * k / 30) for k in range(60)]
    assert abs(xs[30] - xs[31]) < 4
    assert max(_estimates([pointing_hand(x, 300) for x in xs], 30)) < 0.2


@pytest.mark.parametrize('scale', [0.1, 3.0])
def test_a_hand_far_away_or_near(scale: float) -> None:
    near = _estimates([pointing_hand(x, 300) for x in _PRESS], 10)
    large = (10_000, 10_000)
    scaled = [pointing_hand(scale * x, 900, scale) for x in _PRESS]
    assert _estimates(scaled, 10, large) == pytest.approx(near)


def test_fingers_that_turn_a_knob_stay_around_it() -> None:
    hands = []
    for k in range(20):
        hand = pointing_hand(600, 300)
        turned = 25 * np.array([math.cos(0.15 * k), math.sin(0.15 * k)])
        hand[8], hand[4] = 600 + turned, 600 - turned
        hands.append(hand)
    assert min(_estimates(hands, 10)) > 0.95


def test_fingertips_outside_the_image_are_guessed() -> None:
    resting = [pointing_hand(690, 300)] * 12
    assert min(_estimates(resting, 10)) > 0.95
    assert max(_estimates(resting, 10, (600, 720))) == 0


def test_a_hand_that_lies_there_for_long_is_idle() -> None:
    found = _estimates([pointing_hand(600, 300)] * 100, 10)
    assert min(found[:80]) > 0.95
    assert max(found[82:]) == 0


def test_a_hand_that_rested_for_long_and_comes_again() -> None:
    xs = [600] * 100 + [600 - 60 * k for k in range(9)] + _PRESS
    found = _estimates([pointing_hand(x, 300) for x in xs], 10)
    assert max(found[82:112]) < 0.5
    assert min(found[114:122]) > 0.95


@pytest.mark.parametrize(('frames', 'rate'), [(5, 10.0), (1, 10.0), (10, 0.9)])
def test_too_little_is_seen_to_say(frames: int, rate: float) -> None:
    assert max(_estimates([pointing_hand(600, 300)] * frames, rate)) == 0


def test_the_size_of_a_hand_seen_from_its_side() -> None:
    hand = pointing_hand(600, 300)
    assert hand_size(hand) == pytest.approx(100)
    hand[0] = hand[9] - [20, 0]
    assert hand_size(hand) == pytest.approx(1.5 * math.hypot(10, 65))


def test_two_hands_that_come_in_another_order() -> None:
    tracks = HandTracks()
    left, right = pointing_hand(300, 300), pointing_hand(900, 300)
    first, second = tracks.observe(0.0, [left, right], _IMAGE)
    assert tracks.observe(0.1, [right + 40, left + 40], _IMAGE) == [second, first]
    assert (first.first, first.last) == (0.0, 0.1)
    (later,) = tracks.observe(1.7, [left], _IMAGE)
    assert [track.number for track in (first, second, later)] == [0, 1, 2]


def test_each_hand_is_the_nearest_one_not_the_first_within_reach() -> None:
    tracks = HandTracks()
    one, other = tracks.observe(0.0, [pointing_hand(300, 300), pointing_hand(420, 300)], _IMAGE)
    moved = [pointing_hand(410, 300), pointing_hand(310, 300)]
    assert tracks.observe(0.1, moved, _IMAGE) == [other, one]


@pytest.mark.parametrize(
    ('time', 'x', 'scale', 'same'),
    [
        (0.1, 450, 1.0, True),
        (0.9, 300, 1.0, True),
        (0.1, 550, 1.0, False),  # 2.5 sizes of the hand
        (1.2, 300, 1.0, False),  # after more than a second
        (0.1, 300, 0.4, False),  # of less than half the size
    ],
)
def test_what_can_be_the_same_hand(time: float, x: float, scale: float, same: bool) -> None:
    tracks = HandTracks()
    (before,) = tracks.observe(0.0, [pointing_hand(300, 300)], _IMAGE)
    (after,) = tracks.observe(time, [pointing_hand(x, 300, scale)], _IMAGE)
    assert (after is before) is same


def test_what_is_seen_for_a_moment_does_not_last() -> None:
    tracks = HandTracks()
    for time in (0.0, 0.033, 0.067):
        (track,) = tracks.observe(time, [pointing_hand(300, 300)], _IMAGE)
    assert not track.lasts
    tracks.observe(0.1, [pointing_hand(300, 300)], _IMAGE)
    assert track.lasts
