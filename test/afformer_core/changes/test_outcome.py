# SPDX-License-Identifier: Apache-2.0
"""The outcome of an action by a camera: done, not done, something else, or nothing visible."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from afformer_core.changes.outcome import (
    DifferentImagesError,
    Expected,
    Seen,
    compare_images,
    expected_after,
    judge_outcome,
    shown_change,
)

from .scenes import HANDLES, KNOB, front, with_arm


@pytest.mark.parametrize('noise', [6.0, 19.0])
def test_noise_alone_is_no_change(noise: float) -> None:
    change = compare_images([front(seed=3, noise=noise)], [front(seed=4, noise=noise)])
    assert change.regions == ()
    # Two images of 6 levels differ by 8.5, before the filter; the largest of three channels.
    assert noise > 6 or 1.5 < change.noise < 5.0


def test_a_moved_part_is_where_it_was_and_where_it_is() -> None:
    change = compare_images([front(seed=3)], [front(pulled=23, which=1, seed=4)])
    (region,) = change.regions
    left, top, width, height = region.box
    x, y = HANDLES[1]
    assert (left, top) == pytest.approx((x, y), abs=3)
    assert (left + width, top + height) == pytest.approx((x + 46 + 23, y + 13 + 16), abs=3)
    assert not region.at_border
    assert change.distance(region, (x + 40, y + 7)) < 3
    assert change.distance(region, (x - 31, y)) == pytest.approx(31, abs=3)


@pytest.mark.parametrize('shift', [(3.4, -2.3), (-6.2, 4.7)])
def test_a_camera_that_was_bumped_is_registered(shift: tuple[float, float]) -> None:
    still = compare_images([front(seed=3)], [front(shift=shift, seed=4)])
    assert still.regions == ()
    assert still.camera_motion == pytest.approx(np.hypot(*shift), abs=0.5)
    (region,) = compare_images([front(seed=3)], [front(21, 2, shift=shift, seed=4)]).regions
    # Its place is that in the first image.
    assert region.box[:2] == pytest.approx(HANDLES[2], abs=3)


def test_a_part_that_moves_does_not_count_as_motion_of_the_camera() -> None:
    assert compare_images([front(seed=3)], [front(pulled=17, seed=4)]).camera_motion == 0


def test_another_exposure_is_no_change() -> None:
    change = compare_images([front(seed=3)], [front(gain=0.71, offset=19, seed=4)])
    assert change.regions == ()


def test_a_part_that_fills_most_of_the_image_is_a_change_too() -> None:
    before, after = front(seed=3), front(seed=4)
    after[:, 150:] = front(seed=5)[::-1, ::-1][:, 150:] // 2
    change = compare_images([before], [after])
    assert 0.5 < change.share < 0.68
    assert change.distance(change.regions[0], (140, 150)) > 5
    assert change.distance(change.regions[0], (290, 150)) < 9


def test_several_images_have_less_noise_than_one() -> None:
    before = [front(seed=seed, noise=9.0) for seed in range(4)]
    after = [front(seed=seed, noise=9.0) for seed in range(4, 8)]
    one = compare_images(before[:1], after[:1]).noise
    assert compare_images(before, after).noise == pytest.approx(one / 2, rel=0.1)


@pytest.mark.parametrize('turns', range(4))
def test_what_reaches_in_from_any_border_is_told(turns: int) -> None:
    before, after = (np.rot90(one, turns) for one in (front(seed=3), with_arm(front(seed=4))))
    assert compare_images([before], [after]).regions[0].at_border


def test_parts_that_move_in_many_ways_are_no_motion_of_the_camera() -> None:
    before, after = np.full((2, 304, 416, 3), 140, np.uint8)
    steps = ((9, 5), (-8, 7), (4, -9), (-6, -6), (11, -3), (-3, 10))
    for number, (right, down) in enumerate(steps):
        x, y = 41 + 127 * (number % 3), 53 + 141 * (number // 3)
        before[y : y + 31, x : x + 43] = 40
        after[y + down : y + down + 31, x + right : x + right + 43] = 40
    change = compare_images([before], [after])
    assert change.camera_motion == 0
    assert len(change.regions) >= 6


def test_large_images_are_compared_small_and_told_in_their_own_pixels() -> None:
    before, after = (
        np.repeat(np.repeat(front(pulled, seed=5), 4, axis=0), 4, axis=1) for pulled in (0, 23)
    )
    change = compare_images([before], [after])
    small = compare_images([front(seed=5)], [front(23, seed=5)]).regions[0].area
    assert change.regions[0].area == pytest.approx(16 * small, rel=0.15)
    assert change.size == (1664, 1216)
    assert change.regions[0].box[:2] == pytest.approx([4 * one for one in HANDLES[0]], abs=12)
    x, y = HANDLES[0]
    assert change.distance(change.regions[0], (4 * (x - 31), 4 * y)) == pytest.approx(124, abs=12)


def test_images_of_two_sizes_or_scenes_are_not_compared() -> None:
    with pytest.raises(DifferentImagesError, match='expected one shape'):
        compare_images([front()], [front()[:, 8:]])
    noise = np.random.default_rng(2).integers(0, 255, (38, 52, 3)).astype(np.uint8)
    another = np.repeat(np.repeat(noise, 8, axis=0), 8, axis=1)
    with pytest.raises(DifferentImagesError, match='expected images of one scene'):
        compare_images([front()], [another])


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


def test_a_share_of_the_surroundings_is_that_of_a_larger_image() -> None:
    def large(image: np.ndarray) -> np.ndarray:
        return cv2.resize(image, None, fx=2.5, fy=2.5)

    x, y = HANDLE
    before, after = map(large, BEFORE), [large(front(seed=5, pulled=23))]
    observed = judge_outcome([*before], after, (2.5 * x, 2.5 * y), 2.5 * 27, Expected.VISIBLE)
    assert observed.here == pytest.approx(judge(pulled=23).here, rel=0.15)


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
