# SPDX-License-Identifier: Apache-2.0
"""Frames of a drawn clip that are observed one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.contact_observer import (
    ContactObserver,
    DetectedHand,
)
from afformer_core.errors import DemonstrationError

from .dragged_square import dragged, dragged_frame, hand_at


def observed(most_frames: int, count: int) -> ContactObserver:
    images, times, hands = dragged(drift=(1.3, -0.7))
    observer = ContactObserver(most_frames)
    for frame in range(count):
        observer.observe(images[frame], times[frame], hands[frame])
    return observer


@pytest.mark.parametrize(
    ('count', 'kept'),
    [
        (6, [0, 1, 2, 3, 4, 5]),
        (7, [0, 2, 4, 6]),
        (8, [0, 2, 4, 6, 7]),
        (11, [0, 2, 4, 6, 8, 10]),
        (12, [0, 4, 8, 11]),
        (13, [0, 4, 8, 12]),
        (21, [0, 4, 8, 12, 16, 20]),
    ],
)
def test_of_many_frames_every_second_one_is_kept(count, kept):
    frames = observed(6, count).frames
    assert [round(15 * frame.time) for frame in frames] == kept


def test_the_camera_is_followed_through_frames_that_are_not_kept():
    last = observed(6, 21).frames[-1]
    np.testing.assert_allclose(last.to_first[:2, 2], [-26.0, 14.0], atol=2.5)


def test_what_moves_by_a_hand_is_measured_from_a_frame_to_the_next():
    frames = observed(512, 24).frames
    shares = [frame.hands[0].comotion for frame in frames]
    assert min(shares[18:23]) > 0.7
    assert max(shares[4:8]) < 0.2
    # what happens after the last frame is unknown
    assert np.isnan(shares[23])


def test_hands_keep_the_numbers_of_their_tracks():
    images, times, hands = dragged(rest=np.array([60.0, 130.0]))
    observer = ContactObserver()
    for frame in range(4):
        given = hands[frame] if frame % 2 else hands[frame][::-1]
        observer.observe(images[frame], times[frame], given)
    xs = [{hand.track: hand.landmarks[8, 0] for hand in one.hands} for one in observer.frames]
    # the surer one, which moves by 5 pixels a frame, is the first; the other rests
    np.testing.assert_allclose([one[0] for one in xs], np.array([202.56, 197.56, 192.56, 187.56]))
    np.testing.assert_allclose([one[1] for one in xs], [59.56] * 4)


def test_a_hand_that_is_detected_twice_counts_once():
    observer = ContactObserver()
    one, other = DetectedHand(hand_at(3), 0.5), DetectedHand(hand_at(3) + 2, 0.8)
    observer.observe(dragged_frame(3, [hand_at(3)]), 0.2, [one, other])
    (hand,) = observer.frames[0].hands
    np.testing.assert_array_equal(hand.landmarks, hand_at(3) + 2)


def test_a_frame_of_another_size_is_refused():
    observer = observed(6, 2)
    with pytest.raises(DemonstrationError, match='has 30x20 pixels; expected 240x176'):
        observer.observe(np.zeros((20, 30, 3), np.uint8), 9.0, [])


def test_a_frame_that_is_not_later_is_refused():
    observer = observed(6, 4)
    with pytest.raises(DemonstrationError, match=r'is 0\.200 s; expected more than 0\.200 s'):
        observer.observe(np.zeros((176, 240, 3), np.uint8), 0.2, [])
    assert len(observer.frames) == 4


def test_a_frame_that_is_too_large_is_refused():
    with pytest.raises(DemonstrationError, match='640x480 pixels; expected at most 320'):
        ContactObserver().observe(np.zeros((480, 640, 3), np.uint8), 0.0, [])


@pytest.mark.parametrize('landmarks', [np.zeros((21, 3)), np.full((21, 2), np.nan)])
def test_what_are_no_landmarks_is_refused(landmarks):
    with pytest.raises(DemonstrationError, match=r'expected finite pixels \[21, 2\]'):
        DetectedHand(landmarks, 0.9)
