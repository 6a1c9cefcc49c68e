# SPDX-License-Identifier: Apache-2.0
"""Hands keep their track while they move, and get another one where they cannot be the same."""

from __future__ import annotations

import pytest

from afformer_core.hands.hand_tracks import HandTracks

from ..offline.maskahand.landmarks import pointing_hand

_IMAGE = (1280, 720)


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
