# SPDX-License-Identifier: Apache-2.0
"""The outcome of an action by a camera: done, not done, something else, or nothing visible."""

from __future__ import annotations

import math

import pytest

from afformer_core.changes.outcome import (
    Expected,
    Seen,
    expected_after,
    judge_outcome,
    shown_change,
)

from .scenes import HANDLES, KNOB, front, with_arm

HANDLE = (HANDLES[0][0] + 23, HANDLES[0][1] + 7)
BEFORE = [front(seed=1), front(seed=2)]


def judge(expected: Expected = Expected.VISIBLE, pixel: tuple[float, float] = HANDLE, **after):
    return judge_outcome(BEFORE, [front(seed=5, **after)], pixel, 27, expected)


def test_a_part_that_moved_is_done_and_where_is_told() -> None:
    observed = judge(pulled=23)
    assert observed.seen is Seen.DONE
    assert 0.2 < observed.here < 0.7
    assert observed.box is not None
    assert observed.box[:2] == pytest.approx(HANDLES[0], abs=3)
    assert str(observed).startswith('done: ')


@pytest.mark.parametrize(
    ('expected', 'pixel', 'after', 'seen'),
    [
        (Expected.VISIBLE, KNOB, {'turned': 0.9}, Seen.DONE),
        # A button that comes back, and one that does not.
        (Expected.NOTHING, HANDLE, {}, Seen.NOT_VISIBLE),
        (Expected.NOTHING, HANDLE, {'pulled': 23}, Seen.OTHER_CHANGED),
    ],
)
def test_what_is_seen_depends_on_what_is_expected(expected, pixel, after, seen) -> None:
    assert judge(expected, pixel, **after).seen is seen


def test_nothing_that_moved_is_not_done() -> None:
    observed = judge()
    assert (observed.seen, observed.here, observed.box) == (Seen.NOT_DONE, 0.0, None)
    assert str(observed) == 'not done: nothing changed in the image'


def test_another_part_that_moved_is_something_else() -> None:
    observed = judge(pulled=23, which=1)
    assert observed.seen is Seen.OTHER_CHANGED
    assert observed.here == 0
    assert observed.elsewhere > 0.2
    assert observed.box is not None
    assert observed.box[:2] == pytest.approx(HANDLES[1], abs=3)


def test_an_arm_that_reaches_in_from_the_border_is_nothing_else() -> None:
    after = [with_arm(front(seed=5))]
    observed = judge_outcome(BEFORE, after, HANDLE, 27, Expected.VISIBLE)
    assert (observed.seen, observed.elsewhere) == (Seen.NOT_DONE, 0.0)


def test_images_that_cannot_be_compared_show_nothing() -> None:
    observed = judge_outcome(BEFORE, [front()[8:]], HANDLE, 27, Expected.VISIBLE)
    assert observed.seen is Seen.NOT_VISIBLE
    assert math.isnan(observed.here)
    assert str(observed).startswith('not comparable: ')


@pytest.mark.parametrize(
    ('action', 'expected'),
    [
        ('touch', Expected.NOTHING),
        ('hold', Expected.NOTHING),
        ('put down', Expected.NOTHING),
        ('push', Expected.VISIBLE),
        ('pull', Expected.VISIBLE),
        ('rotate', Expected.VISIBLE),
        ('pick up', Expected.VISIBLE),
    ],
)
def test_without_frames_the_action_decides(action: str, expected: Expected) -> None:
    assert expected_after(action) is expected


def test_a_demonstration_that_ends_as_it_began_changes_nothing() -> None:
    assert shown_change(front(seed=1), front(seed=2), 'push')[0] is Expected.NOTHING


def test_a_touch_after_which_something_is_different_is_visible() -> None:
    shown, reason = shown_change(front(seed=1), front(pulled=23, seed=2), 'touch')
    assert shown is Expected.VISIBLE
    assert reason == 'the demonstration changes 1.23% of its image'


def test_a_hand_that_is_still_in_view_leaves_it_to_the_action() -> None:
    last = with_arm(front(seed=2))
    assert shown_change(front(seed=1), last, 'touch') == (
        Expected.NOTHING,
        'as after every touch: a hand may be in the last frame',
    )
    assert shown_change(front(seed=1), last, 'pull')[0] is Expected.VISIBLE


def test_a_camera_that_moves_leaves_it_to_the_action() -> None:
    shown, reason = shown_change(front(seed=1), front(shift=(11.5, -9.0), seed=2), 'pull')
    assert shown is Expected.VISIBLE
    assert reason == 'as after every pull: the camera of the demonstration moves'
