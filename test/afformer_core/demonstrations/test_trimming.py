# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.demonstrations.activity import Activity
from afformer_core.demonstrations.trimming import RecordedFrame, Trimmer

IMAGE = np.zeros((4, 4, 3), np.uint8)


class Scripted:
    """Sees what it is told: '#' activity, 'C' a moving camera, 'h' a hand, '.' nothing."""

    def __init__(self, name, script):
        self.name = name
        self._script = iter(script)

    def observe(self, image, time):
        sign = next(self._script)
        return Activity(sign in '#h', sign == 'C', int(sign == 'h'))


def _trimmed(*scripts, maximum=8, margin=0.2, rate=10.0):
    detectors = [Scripted(*script) for script in scripts]
    trimmer = Trimmer(detectors, maximum, margin)
    for number in range(len(scripts[0][1])):
        trimmer.add(RecordedFrame(number, number / rate, IMAGE), IMAGE)
    return trimmer


def _range(part):
    return part.first.number, part.last.number


def test_the_part_has_a_margin_on_both_sides():
    part = _trimmed(('motion', '......####......')).part()
    assert _range(part) == (4, 11)
    assert [frame.number for frame in part.frames] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert (part.trimmed_by, part.reason) == ('motion', '')


def test_a_pause_between_two_activities_is_kept():
    part = _trimmed(('motion', '....##..............##......'), maximum=6).part()
    assert _range(part) == (2, 23)
    assert [frame.number for frame in part.frames] == [2, 6, 10, 15, 19, 23]


def test_a_long_idle_end_costs_no_frame_of_the_part():
    part = _trimmed(('motion', '....####' + '.' * 2000)).part()
    assert _range(part) == (2, 9)
    assert [frame.number for frame in part.frames] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_after_a_long_pause_the_frames_stay_even():
    part = _trimmed(('motion', '..##' + '.' * 1000 + '##..')).part()
    gaps = np.diff([frame.number for frame in part.frames])
    assert _range(part) == (0, 1007)
    assert gaps.max() - gaps.min() <= 64


def test_memory_is_bounded_however_long_nothing_or_everything_happens():
    for script in ('.' * 3000, '#' + '.' * 3000, '#' * 3000):
        trimmer = _trimmed(('motion', script), rate=1000.0)
        assert len(trimmer.certain_frames()) <= 32
        assert len(trimmer.part().frames) == 8


def test_only_frames_of_the_part_are_certain():
    trimmer = _trimmed(('motion', '......##......'))
    assert [frame.number for frame in trimmer.certain_frames()] == [4, 5, 6, 7, 8, 9]
    assert _trimmed(('motion', '......')).certain_frames() == []


@pytest.mark.parametrize(
    ('script', 'last', 'reason'),
    [
        ('.' * 20, 19, 'no activity was seen'),
        ('.' + '#' * 18 + '.', 19, 'motion from its beginning to its end'),
        ('..##' + 'C' * 10 + '##..', 17, 'the camera moved in most of it'),
    ],
)
def test_everything_is_used_where_no_part_can_be_told(script, last, reason):
    part = _trimmed(('motion', script)).part()
    assert _range(part) == (0, last)
    assert (part.trimmed_by, part.reason) == ('', reason)


def test_hands_come_before_motion():
    trimmer = _trimmed(('hands', '......hhh.......'), ('motion', '##############..'))
    part = trimmer.part()
    assert (_range(part), part.trimmed_by) == ((4, 10), 'hands')
    assert trimmer.hands_seen == 3


def test_motion_decides_where_no_hand_was_seen():
    part = _trimmed(('hands', '.' * 16), ('motion', '......###.......')).part()
    assert (_range(part), part.trimmed_by) == ((4, 10), 'motion')


def test_without_detectors_everything_is_used_without_a_word():
    trimmer = Trimmer([], 8, 0.5)
    for number in range(20):
        trimmer.add(RecordedFrame(number, number / 10, IMAGE), IMAGE)
    part = trimmer.part()
    assert (_range(part), part.trimmed_by, part.reason) == ((0, 19), '', '')
    assert len(trimmer.certain_frames()) == 20
