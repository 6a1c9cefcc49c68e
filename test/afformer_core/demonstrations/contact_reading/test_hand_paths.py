# SPDX-License-Identifier: Apache-2.0
"""Paths of tracked hands over frames."""

from __future__ import annotations

import numpy as np

from afformer_core.demonstrations.contact_reading.hand_paths import TrackedHand, hand_paths

from .dragged_square import OPEN_HAND

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


def test_a_single_frame_may_have_a_hand():
    (path,) = hand_paths(np.array([3.5]), [[hand(100.0)]], [np.eye(3)])
    assert path.travel == 0.0
