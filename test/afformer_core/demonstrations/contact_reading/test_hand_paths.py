# SPDX-License-Identifier: Apache-2.0
"""Points and regions of a drawn hand, values over time, and paths and moments of hands."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.demonstrations.contact_reading.hand_paths import (
    TrackedHand,
    changes,
    distinct_hands,
    finger_gap,
    fingertip,
    hand_mask,
    hand_paths,
    moment_scores,
    palm,
    smoothed,
    speeds,
    standard_scores,
)

from .dragged_square import OPEN_HAND
from .paths import path_of

HAND = np.array([60.0, 50.0]) + 20.0 * OPEN_HAND


def test_the_fingertip_is_among_the_tips_of_three_fingers():
    # thumb (62, 60), index (59.6, 45.6), middle (60.4, 49)
    np.testing.assert_allclose(fingertip(HAND), [60.6, 51.32])


def test_the_palm_is_the_mean_of_wrist_and_knuckles_without_the_thumb():
    # x 95, 76, 75, 75, 76; y 52, 46, 50, 53, 56
    np.testing.assert_allclose(palm(HAND), [79.4, 51.4])


def test_the_gap_of_thumb_and_index_finger():
    np.testing.assert_allclose(finger_gap(HAND), np.hypot(2.4, 14.4))


def test_the_mask_covers_fingers_and_the_forearm_on_the_other_side():
    mask = hand_mask([HAND], (100, 200))
    # a finger, the palm, 50 pixels along the arm, beyond its 60, above it, beyond the fingers
    points = [(62, 48), (80, 52), (145, 57), (175, 60), (145, 80), (50, 50)]
    assert [bool(mask[y, x]) for x, y in points] == [True, True, True, False, False, False]


def test_the_mask_holds_every_hand():
    mask = hand_mask([HAND, HAND + (0, 60)], (130, 200))
    assert mask[52, 80]
    assert mask[112, 80]


def test_of_detections_of_one_hand_the_surest_is_chosen():
    # palms of one hand are at most 0.6 hand sizes apart, which are 12 pixels of these
    hands = [HAND, HAND + (11.0, 3.0), HAND + (11.0, 6.0)]
    assert distinct_hands(hands, [0.6, 0.9, 0.7]) == [1]
    assert distinct_hands(hands, [0.9, 0.6, 0.7]) == [0, 2]


def test_smoothing_weighs_by_the_time_between():
    times = np.array([0.0, 0.1, 0.3])
    found = smoothed(times, np.array([[0.0], [10.0], [0.0]]), 0.1)
    # weights exp(-1/2), exp(-2) and exp(-9/2) of the times that are 0.1, 0.2 and 0.3 s apart
    near, far, farthest = 0.606531, 0.135335, 0.011109
    expected = [
        10 * near / (1 + near + farthest),
        10 / (1 + near + far),
        10 * far / (1 + far + farthest),
    ]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)


def test_frames_that_are_far_apart_are_left_as_they_are():
    values = np.array([[1.0, 4.0], [-3.0, 2.0], [7.0, 0.0]])
    np.testing.assert_allclose(
        smoothed(np.array([0.0, 0.5, 1.1]), values, 0.06), values, atol=1e-9
    )


def test_speed_is_per_second():
    points = np.array([[0.0, 0.0], [0.6, 0.8], [1.2, 1.6], [1.2, 1.6]])
    np.testing.assert_allclose(speeds(np.arange(4) * 0.25, points), [4.0, 4.0, 2.0, 0.0])
    np.testing.assert_array_equal(speeds(np.array([3.0]), np.array([[5.0, 6.0]])), [0.0])


def test_a_change_is_the_mean_after_minus_the_mean_before():
    times = np.array([0.0, 0.2, 0.4, 0.6, 0.9])
    values = np.array([1.0, 3.0, 8.0, 2.0, 5.0])
    # at 0.4 s: 8, 2 within 0.3 s after; 3, 8 within 0.2 s before
    found = changes(times, values, 0.2, 0.3)
    np.testing.assert_allclose(found, [1.0, 3.5, -0.5, -1.5, 0.0])


def test_a_change_leaves_out_the_unknown_and_takes_a_mean_of_none_for_nothing():
    values = np.array([np.nan, np.nan, 0.4, np.nan, 0.8])
    found = changes(np.arange(5) * 0.1, values, 0.1, 0.2)
    np.testing.assert_allclose(found, [0.4, 0.4, 0.2, 0.4, 0.0], atol=1e-12)


def test_standard_scores():
    np.testing.assert_allclose(
        standard_scores(np.array([1.0, 2.0, 6.0])), [-0.925820, -0.462910, 1.388730], rtol=1e-5
    )
    np.testing.assert_array_equal(standard_scores(np.array([4.0, 4.0])), [0.0, 0.0])


SLOW = np.array([0.0, 0.4, 0.9, 1.3, 1.8])
STILL = [np.eye(3)] * 5


def hand(x: float, track: int = 0, share: float = np.nan) -> TrackedHand:
    return TrackedHand(track, (x, 50.0) + 20.0 * OPEN_HAND, share)


def test_a_hand_that_is_missed_for_a_while_is_interpolated():
    detected = [[], [hand(100.0, share=0.3)], [], [hand(136.0, share=0.7)], []]
    (path,) = hand_paths(SLOW, detected, STILL)
    assert path.times.tolist() == [0.4, 0.9, 1.3]
    # 5 / 9 of the way; the tip is 0.6, the palm 19.4 pixels to the right of the origin
    np.testing.assert_allclose(path.tips[:, 0], [100.6, 120.6, 136.6], atol=1e-4)
    np.testing.assert_allclose(path.palms[:, 0], [119.4, 139.4, 155.4], atol=1e-4)
    np.testing.assert_array_equal(path.comotion, [0.3, np.nan, 0.7])
    np.testing.assert_allclose(path.travel, 36.0, atol=1e-4)


def test_gap_in_hand_sizes():
    (path,) = hand_paths(SLOW, [[hand(100.0)], [hand(101.0)], [], [], []], STILL)
    # (0.12, 0.72) over the palm's length, (1, 0.1)
    np.testing.assert_allclose(path.gaps, np.hypot(0.12, 0.72) / np.hypot(1.0, 0.1))
    np.testing.assert_allclose(path.size, 20 * np.hypot(1.0, 0.1))


def test_points_are_those_of_the_first_frame():
    to_first = [np.array([[1.0, 0.0, -3.0 * k], [0.0, 1.0, 2.0 * k], [0, 0, 1]]) for k in range(5)]
    (path,) = hand_paths(SLOW, [[hand(100.0)], [hand(103.0)], [hand(106.0)], [], []], to_first)
    np.testing.assert_allclose(
        path.tips, [[100.6, 51.32], [100.6, 53.32], [100.6, 55.32]], atol=1e-4
    )
    np.testing.assert_allclose(path.palms[:, 0], [119.4] * 3, atol=1e-4)


def test_landmarks_that_tremble_are_smoothed():
    times = np.arange(7) / 15
    detected = [[hand(100.0 + 4 * (frame % 2))] for frame in range(7)]
    (path,) = hand_paths(times, detected, [np.eye(3)] * 7)
    # the shares of the frames of a normal distribution 0, 1, 2 and 3 deviations away
    weights = np.exp(-(np.arange(4.0) ** 2) / 2)
    odd = 2 * (weights[1] + weights[3]) / (weights[0] + 2 * weights[1:].sum())
    np.testing.assert_allclose(path.tips[3, 0], 100.6 + 4 * (1 - odd), atol=0.02)


def test_what_is_in_view_for_a_moment_is_no_hand():
    times = np.arange(8) / 15
    detected = [[hand(100.0, 4)] if frame in (2, 3) else [] for frame in range(8)]
    detected[4] = [hand(40.0, 1)]
    detected[6] = [hand(40.0, 1)]
    paths = hand_paths(times, detected, [np.eye(3)] * 8)
    assert [path.track for path in paths] == [1]


def test_in_slow_frames_one_detection_lasts():
    detected = [[], [hand(100.0, 2)], [], [], [hand(30.0, 1)]]
    paths = hand_paths(SLOW, detected, STILL)
    assert [(path.track, path.times.tolist()) for path in paths] == [(1, [1.8]), (2, [0.4])]


def test_a_single_frame_may_have_a_hand_or_none():
    (path,) = hand_paths(np.array([3.5]), [[hand(100.0)]], [np.eye(3)])
    assert path.travel == 0.0
    assert moment_scores([]) == []


EVEN = np.stack([np.arange(30) * 3.0, np.full(30, 40.0)], axis=1)


@pytest.mark.parametrize(
    ('name', 'frame', 'before', 'after', 'best'),
    [
        # What is near moves with the hand afterwards, and the hand closes.
        ('comotion', 17, 0.1, 0.8, (16, 17)),
        ('gaps', 9, 0.9, 0.4, (8, 9)),
    ],
)
def test_a_hand_begins_where_something_changes(name, frame, before, after, best):
    values = np.where(np.arange(30) < frame, before, after)
    (scores,) = moment_scores([path_of(EVEN, **{name: values})])
    assert scores.argmax() in best


def test_a_hand_that_lets_go_does_not_begin():
    comotion = np.where(np.arange(30) < 17, 0.8, 0.1)
    (scores,) = moment_scores([path_of(EVEN, comotion=comotion)])
    assert scores.argmin() in (16, 17)


def test_the_windows_reach_from_six_tenths_before_to_eight_tenths_after():
    comotion = np.where(np.arange(30) == 15, 1.0, 0.0)
    (scores,) = moment_scores([path_of(EVEN, comotion=comotion)])
    assert np.flatnonzero(scores > scores[0] + 0.01).tolist() == list(range(7, 15))
    assert np.flatnonzero(scores < scores[0] - 0.01).tolist() == list(range(15, 22))


def test_a_hand_slows_down_where_it_takes_something_and_its_palm_tells_the_speed():
    palms = np.cumsum(np.where(np.isin(np.arange(30), (11, 12, 13)), 0.2, 4.0))
    (scores,) = moment_scores([path_of(EVEN, palms=np.stack([palms, palms / 3], axis=1))])
    assert scores.argmax() in (11, 12)
    assert scores.max() == 0.0


def test_the_hand_that_travels_most_is_better():
    long, short = moment_scores([path_of(EVEN), path_of(EVEN[:10], 1)])
    np.testing.assert_allclose(long, np.zeros(30), atol=1e-3)
    # shares 87 / 114 and 27 / 114 of the travel, of 30 and 10 moments: they are 1 / sqrt(3 / 16)
    # standard deviations apart, of which 0.3 are one nat
    np.testing.assert_allclose(short, np.full(10, -4 / np.sqrt(3) / 0.3), rtol=1e-3)


def test_the_same_hand_twice_as_far_away_scores_the_same():
    tips = np.cumsum(np.where(np.isin(np.arange(30), (11, 12, 13)), 0.2, 4.0))
    near = path_of(np.stack([tips, tips / 3], axis=1))
    (scores,) = moment_scores([near])
    assert scores[25] == pytest.approx(scores[5], rel=0.2)
    assert scores[25] < -3.0
