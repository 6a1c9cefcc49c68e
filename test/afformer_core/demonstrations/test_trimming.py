# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.demonstrations.trimming import Persistence, RecordedFrame, Trimmer

IMAGE = np.zeros((4, 4, 3), np.uint8)


class Scripted:
    """Stands for the reader: '#' motion, 'h' a hand, '.' nothing."""

    def __init__(self, script):
        self._script = script
        self.number = 0

    @property
    def hands(self):
        return int(self._script[self.number] in 'hH')

    @property
    def moves(self):
        return self._script[self.number] in '#H'


def _trimmed(script, maximum=8, margin=0.25, rate=8.0):
    reader = Scripted(script)
    trimmer = Trimmer(reader, maximum, margin)
    for reader.number in range(len(script)):
        trimmer.add(RecordedFrame(reader.number, reader.number / rate, IMAGE))
    return trimmer


def _range(part):
    return part.first.number, part.last.number


def test_the_part_has_a_margin_on_both_sides():
    part = _trimmed('.....#####......').part()
    assert _range(part) == (4, 11)
    assert [frame.number for frame in part.frames] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert (part.trimmed_by, part.reason) == ('motion', '')


def test_a_pause_between_two_activities_is_kept():
    part = _trimmed('...###.............###......', maximum=6).part()
    assert _range(part) == (2, 23)
    assert [frame.number for frame in part.frames] == [2, 6, 10, 15, 19, 23]


def test_after_a_long_pause_or_end_the_frames_stay_even():
    part = _trimmed('...#####' + '.' * 2000).part()
    assert _range(part) == (2, 9)
    assert [frame.number for frame in part.frames] == [2, 3, 4, 5, 6, 7, 8, 9]
    part = _trimmed('.###' + '.' * 999 + '###..').part()
    gaps = np.diff([frame.number for frame in part.frames])
    assert _range(part) == (0, 1007)
    assert gaps.max() - gaps.min() <= 64


def test_memory_is_bounded_however_long_nothing_or_everything_happens():
    for script in ('.' * 3000, '#' * 150 + '.' * 3000, '#' * 3000):
        trimmer = _trimmed(script, rate=1000.0)
        assert len(trimmer.certain_frames()) <= 32
        assert len(trimmer.part().frames) == 8


def test_only_frames_of_the_part_are_certain():
    trimmer = _trimmed('.....###......')
    assert [frame.number for frame in trimmer.certain_frames()] == [4, 5, 6, 7, 8, 9]
    assert _trimmed('......').certain_frames() == []


@pytest.mark.parametrize(
    ('script', 'reason'),
    [
        ('.' * 20, 'no activity was seen'),
        # A face may be a hand for a frame.
        ('..h...h.#..h.#......', 'no activity was seen'),
        ('#' * 19 + '.', 'motion from its beginning to its end'),
    ],
)
def test_everything_is_used_where_no_part_can_be_told(script, reason):
    part = _trimmed(script).part()
    assert _range(part) == (0, 19)
    assert (part.trimmed_by, part.reason) == ('', reason)


@pytest.mark.parametrize(
    ('script', 'used', 'hands_seen'),
    [
        # Hands come before motion, which belongs to them if it goes on.
        ('##...hhhh.......', (4, 10), 4),
        ('.....hhhH###....', (4, 13), 4),
        # Over pauses of two seconds, but not of more.
        ('.....hhhh' + '.' * 14 + '###....', (4, 27), 4),
        ('.....hhhh' + '.' * 15 + '###....', (4, 10), 4),
    ],
)
def test_hands_decide_with_what_moves_on(script, used, hands_seen):
    trimmer = _trimmed(script)
    part = trimmer.part()
    assert (_range(part), part.trimmed_by) == (used, 'hands')
    assert trimmer.hands_seen == hands_seen


def test_without_a_reader_everything_is_used_without_a_word():
    trimmer = Trimmer(None, 8, 0.5)
    for number in range(20):
        trimmer.add(RecordedFrame(number, number / 10, IMAGE))
    part = trimmer.part()
    assert (_range(part), part.trimmed_by, part.reason) == ((0, 19), '', '')
    assert len(trimmer.certain_frames()) == 20


@pytest.mark.parametrize(
    ('seen', 'rate', 'lasts'),
    [
        ([1, 1, 0, 1], 30, [0, 0, 0, 0]),
        ([1, 1, 1, 1, 1], 30, [0, 0, 0, 1, 1]),
        ([0, 1, 1, 1], 2, [0, 0, 1, 1]),
    ],
)
def test_persistence(seen, rate, lasts):
    persistence = Persistence()
    found = [persistence.lasts(bool(one), number / rate) for number, one in enumerate(seen)]
    assert found == [bool(one) for one in lasts]
