# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.mining.index import HandIndex, MinedVideo
from afformer_core.offline.maskahand.pretraining.interactions import hand_free_frame

from ..mined_videos import interaction_clips

IN_CONTACT = (Hand((10.0, 10.0, 30.0, 30.0), True, 0.995),)
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
        ({5: COMING, 6: COMING, 7: IN_CONTACT}, 7, 3),
        # What is hardly a hand is none; one that was lost in one frame is still there.
        ({4: HARDLY, 5: COMING, 6: IN_CONTACT}, 6, 3),
        ({3: COMING, 5: COMING, 6: IN_CONTACT}, 6, 1),
        # Only the first two frames of a contact are like what was before.
        ({5: COMING, 6: IN_CONTACT, 7: IN_CONTACT, 8: IN_CONTACT}, 6, 3),
        ({5: COMING, 6: IN_CONTACT, 7: IN_CONTACT, 8: IN_CONTACT}, 7, 3),
        ({5: COMING, 6: IN_CONTACT, 7: IN_CONTACT, 8: IN_CONTACT}, 8, None),
        # Another contact may have moved something.
        ({4: IN_CONTACT, 5: COMING, 6: COMING, 7: IN_CONTACT}, 7, None),
        # The hand was always there.
        ({0: COMING, 1: COMING, 2: IN_CONTACT}, 2, None),
        ({0: IN_CONTACT}, 0, None),
        ({1: COMING, 2: IN_CONTACT}, 2, None),
    ],
)
def test_the_last_but_one_frame_before_a_hand_came(hands, number, free):
    video = mined(hands)
    assert hand_free_frame(video, number, interaction_score=0.99, hidden_score=0.1) == free


@pytest.mark.parametrize(('rate', 'named'), [(1.0, (7,)), (0.2, ())])
def test_interactions_name_a_frame_of_shortly_before(rate, named):
    hands = {9: COMING, 10: IN_CONTACT, 11: IN_CONTACT, 12: IN_CONTACT}
    video = mined(hands, rate, ((8, 15),))
    index = HandIndex({}, 0.99, (video,))
    [clip] = interaction_clips(index, most=3, hidden_score=0.1)

    assert clip.hand_free == named
    expected = [*named, *named, None] if named else [None] * 3
    assert [each.hand_free for each in clip.interactions] == expected
    assert interaction_clips(index, most=3)[0].hand_free == ()
