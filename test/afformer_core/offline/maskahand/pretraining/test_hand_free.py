# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.mining.index import HandIndex, MinedVideo
from afformer_core.offline.maskahand.pretraining.stored_clips import (
    hand_free_frame,
    with_hand_free_frames,
)

from ..mined_videos import interaction_clips

IN_CONTACT = (Hand((10.0, 10.0, 30.0, 30.0), True, 0.995),)
COMING = (Hand((40.0, 10.0, 60.0, 30.0), False, 0.9),)
HARDLY = (Hand((40.0, 10.0, 60.0, 30.0), False, 0.05),)


def mined(hands, rate=4.0, clips=()):
    times = tuple(number / rate for number in range(16))
    return MinedVideo(
        path=Path('a.mp4'), topic='', size=(100, 80), times=times, hands=hands, clips=clips
    )


def found(hands, number):
    return hand_free_frame(mined(hands), number, interaction_score=0.99, hidden_score=0.1)


def test_the_last_but_one_before_a_hand_came():
    assert found({5: COMING, 6: COMING, 7: IN_CONTACT}, 7) == 3


def test_what_is_hardly_a_hand_is_none():
    assert found({4: HARDLY, 5: COMING, 6: IN_CONTACT}, 6) == 3


def test_a_hand_that_was_lost_in_one_frame_is_still_there():
    assert found({3: COMING, 5: COMING, 6: IN_CONTACT}, 6) == 1


@pytest.mark.parametrize(('number', 'free'), [(6, 3), (7, 3), (8, None)])
def test_only_the_beginning_of_a_contact_is_like_what_was_before(number, free):
    assert found({5: COMING, 6: IN_CONTACT, 7: IN_CONTACT, 8: IN_CONTACT}, number) == free


def test_another_contact_may_have_moved_something():
    assert found({4: IN_CONTACT, 5: COMING, 6: COMING, 7: IN_CONTACT}, 7) is None


def test_a_hand_that_was_always_there():
    assert found({0: COMING, 1: COMING, 2: IN_CONTACT}, 2) is None
    assert found({0: IN_CONTACT}, 0) is None
    assert found({1: COMING, 2: IN_CONTACT}, 2) is None


@pytest.mark.parametrize(('rate', 'named'), [(1.0, (7,)), (0.2, ())])
def test_interactions_name_a_frame_of_shortly_before(rate, named):
    hands = {9: COMING, 10: IN_CONTACT, 11: IN_CONTACT, 12: IN_CONTACT}
    video = mined(hands, rate, ((8, 15),))
    clips = interaction_clips(HandIndex({}, 0.99, (video,)), most=3)
    clip = with_hand_free_frames(clips[0], 0.99, 0.1)

    assert clip.hand_free == named
    expected = [*named, *named, None] if named else [None] * 3
    assert [each.hand_free for each in clip.interactions] == expected
    assert clips[0].hand_free == ()
