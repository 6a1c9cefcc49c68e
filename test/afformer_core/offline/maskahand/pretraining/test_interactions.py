# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.mining.index import HandIndex, MinedVideo
from afformer_core.offline.maskahand.pretraining.interactions import hand_free_frame

from ..mined_videos import interaction_clips

IN_CONTACT = Hand((82.0, 10.0, 98.0, 30.0), True, 0.995)
UNSURE = Hand((10.0, 10.0, 30.0, 30.0), True, 0.9)
IDLE = Hand((40.0, 10.0, 60.0, 30.0), False, 0.999)
OUTSIDE = Hand((-30.0, 10.0, 0.0, 30.0), True, 1.0), Hand((10.0, 82.0, 30.0, 98.0), True, 1.0)


def _index(hands, *clips):
    times = tuple(number / 4 for number in range(20))
    video = MinedVideo(
        path=Path('a.mp4'), topic='', size=(100, 80), times=times, hands=hands, clips=clips
    )
    return HandIndex({}, 0.99, (video,))


def test_frames_in_which_a_hand_surely_interacts():
    hands = {3: (IN_CONTACT, IDLE), 4: (UNSURE,), 5: (IDLE,), 6: OUTSIDE, 12: (IN_CONTACT,)}
    first, second = interaction_clips(_index(hands, (0, 9), (8, 19)), most=8)

    assert [each.number for each in first.interactions] == [3]
    assert first.interactions[0].hands == (IN_CONTACT, IDLE)
    assert first.interactions[0].interacting == (IN_CONTACT,)
    assert [each.number for each in second.interactions] == [12]
    assert (second.first, second.last) == (8, 19)


def test_a_clip_without_any_is_left_out():
    clips = interaction_clips(_index({3: (IN_CONTACT,), 12: (UNSURE,)}, (0, 9), (10, 19)), most=8)
    assert [clip.first for clip in clips] == [0]


def test_of_many_some_are_taken_evenly():
    hands = dict.fromkeys(range(10), (IN_CONTACT,))
    (clip,) = interaction_clips(_index(hands, (0, 9)), most=4)
    assert [each.number for each in clip.interactions] == [0, 3, 6, 9]


@pytest.mark.parametrize(
    ('last', 'frames', 'shown'), [(19, 4, (4, 9, 14, 19)), (4, 32, (4,))], ids=['long', 'a frame']
)
def test_what_a_model_is_shown_is_spread_over_the_clip(last, frames, shown):
    (clip,) = interaction_clips(_index({4: (IN_CONTACT,)}, (4, last)), most=1)
    assert clip.demonstration(frames) == shown


GRASPING = (IN_CONTACT,)
COMING = (Hand((40.0, 10.0, 60.0, 30.0), False, 0.9),)
HARDLY = (Hand((40.0, 10.0, 60.0, 30.0), False, 0.05),)


def mined(hands, rate=4.0, clips=()):
    times = tuple(number / rate for number in range(16))
    return MinedVideo(
        path=Path('a.mp4'), topic='', size=(100, 80), times=times, hands=hands, clips=clips
    )


@pytest.mark.parametrize(
    ('hands', 'number', 'free'),
    [
        ({5: COMING, 6: COMING, 7: GRASPING}, 7, 3),
        # What is hardly a hand is none; one that was lost in one frame is still there.
        ({4: HARDLY, 5: COMING, 6: GRASPING}, 6, 3),
        ({3: COMING, 5: COMING, 6: GRASPING}, 6, 1),
        # Only the first two frames of a contact are like what was before.
        ({5: COMING, 6: GRASPING, 7: GRASPING, 8: GRASPING}, 6, 3),
        ({5: COMING, 6: GRASPING, 7: GRASPING, 8: GRASPING}, 7, 3),
        ({5: COMING, 6: GRASPING, 7: GRASPING, 8: GRASPING}, 8, None),
        # Another contact may have moved something.
        ({4: GRASPING, 5: COMING, 6: COMING, 7: GRASPING}, 7, None),
        # The hand was always there.
        ({0: COMING, 1: COMING, 2: GRASPING}, 2, None),
        ({0: GRASPING}, 0, None),
        ({1: COMING, 2: GRASPING}, 2, None),
    ],
)
def test_the_last_but_one_frame_before_a_hand_came(hands, number, free):
    video = mined(hands)
    assert hand_free_frame(video, number, interaction_score=0.99, hidden_score=0.1) == free


@pytest.mark.parametrize(('rate', 'named'), [(1.0, (7,)), (0.2, ())])
def test_interactions_name_a_frame_of_shortly_before(rate, named):
    hands = {9: COMING, 10: GRASPING, 11: GRASPING, 12: GRASPING}
    video = mined(hands, rate, ((8, 15),))
    index = HandIndex({}, 0.99, (video,))
    [clip] = interaction_clips(index, most=3, hidden_score=0.1)

    assert clip.hand_free == named
    expected = [*named, *named, None] if named else [None] * 3
    assert [each.hand_free for each in clip.interactions] == expected
    assert interaction_clips(index, most=3)[0].hand_free == ()
