# SPDX-License-Identifier: Apache-2.0
from itertools import islice

import numpy as np
import pytest

from afformer_core.demonstrations.activity import Activity
from afformer_core.demonstrations.contact_reading import hand_activity
from afformer_core.demonstrations.contact_reading.demonstration_reader import DemonstrationReader
from afformer_core.demonstrations.contact_reading.hand_activity import HandActivity
from afformer_core.demonstrations.recording import RecordingSettings
from afformer_core.media.video import VideoReader


class Hands:
    """Hands as a recording sees them: a reader observes each frame first."""

    def __init__(self):
        self._reader = DemonstrationReader()
        self._activity = HandActivity(self._reader)

    def observe(self, image, time):
        self._reader.observe(image, time)
        return self._activity.observe(image, time)


@pytest.fixture
def hands():
    return Hands()


def test_hands_of_a_real_demonstration_are_seen(hands, test_data):
    path = test_data / 'opra' / 'clips' / 'seattle' / '1' / '193' / '217.5_6.5.mp4'
    with VideoReader(path) as reader:
        # From frame 165 on a hand that holds a post is seen at the border.
        frames = islice(reader, 0, 165, 2)
        seen = [hands.observe(frame.image, frame.time) for frame in frames]
    with_hand, without = seen[:58], seen[60:]
    assert sum(one.hands > 0 for one in with_hand) >= 55
    assert sum(one.active for one in with_hand) >= 52
    assert sum(one.active for one in without) <= 1


def test_a_frame_with_the_stamp_of_the_one_before(hands):
    image = np.zeros((120, 160, 3), np.uint8)
    assert [hands.observe(image, 1.0).hands for _ in range(3)] == [0, 0, 0]


class Script:
    """Stands for the reader and for the detector of motion: what they see in each frame."""

    def __init__(self, hands, moves):
        self._hands, self._moves = iter(hands), iter(moves)

    @property
    def hands(self):
        return next(self._hands)

    def observe(self, image, time):
        return Activity(next(self._moves))


@pytest.mark.parametrize(
    ('hands', 'moves', 'active'),
    [
        # One frame could be a face; motion alone is none of its business.
        ([0, 1, 0, 2, 2, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1]),
        # What moves on after a hand belongs to it, over pauses of up to two seconds.
        ([1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1, 0], [0, 1, 1, 0, 0, 1, 0]),
        ([1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1], [0, 1, 0, 0, 0, 0, 0]),
    ],
)
def test_hands_that_last_and_what_moves_on_are_activity(monkeypatch, hands, moves, active):
    script = Script(hands, moves)
    monkeypatch.setattr(hand_activity, 'MotionActivity', lambda: script)
    detector = HandActivity(script)

    seen = [detector.observe(None, 0.6 * number) for number in range(len(hands))]

    assert [one.hands for one in seen] == hands
    assert [one.active for one in seen] == [bool(one) for one in active]
    assert not any(one.camera_moves for one in seen)


def test_motion_is_measured_once_for_both_detectors(monkeypatch):
    script = Script([0, 3, 0], [0, 1, 1])
    monkeypatch.setattr(hand_activity, 'MotionActivity', lambda: script)
    hands, motion = RecordingSettings().detectors(script)

    seen = [(hands.observe(None, 0.1 * k), motion.observe(None, 0.1 * k)) for k in range(3)]

    assert (hands.name, motion.name) == ('hands', 'motion')
    assert [(one.hands, other.active) for one, other in seen] == [(0, 0), (3, 1), (0, 1)]
