# SPDX-License-Identifier: Apache-2.0
"""Joint trajectories: interpolation, replacement, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afformer_sim.arm.joint_trajectory import JointTrajectory, TrajectoryError, TrajectoryFollower

NAMES = ('first', 'second')


def trajectory(times, positions, velocities=None, names=NAMES) -> JointTrajectory:
    return JointTrajectory(
        names,
        np.array(times, float),
        np.array(positions, float),
        None if velocities is None else np.array(velocities, float),
    )


@settings(max_examples=40)
@given(
    st.lists(st.floats(0.1, 3), min_size=2, max_size=4),
    st.booleans(),
    st.integers(0, 1),
    st.floats(0.01, 0.8),
    st.integers(0, 99),
)
def test_joints_pass_the_points_that_are_left_at_the_velocities_and_limits_that_are_given(
    durations: list[float], with_velocities: bool, past: int, share: float, seed: int
) -> None:
    rng, times = np.random.default_rng(seed), 5 + np.cumsum(durations)
    positions, velocities = rng.uniform(-1, 1, (2, len(times), 2))
    velocities[-1] = 0
    begin, left = times[past] - (1 - share) * durations[past], times[past:]
    # The joints come in another order.
    given = trajectory(times - 5, positions[:, ::-1], velocities[:, ::-1], NAMES[::-1])
    given = given if with_velocities else replace(given, velocities=None)

    def follow(speed: float) -> TrajectoryFollower:
        follower = TrajectoryFollower(NAMES, np.array([[-1.0, 1]] * 2), np.full(2, speed))
        follower.start(trajectory([20], [[1, -0.5]]), now=0.0)
        expected = follower.desired(begin)
        follower.start(given, now=begin, begin=5.0)
        # It begins where the old one is, at its velocity if it has velocities.
        assert follower.desired(begin)[0].tolist() == expected[0].tolist()
        assert follower.desired(begin)[1] == pytest.approx(expected[1]) or not with_velocities
        return follower

    follower = follow(1e4)
    at_points = np.array([follower.desired(time) for time in left])
    np.testing.assert_allclose(at_points[:, 0], positions[past:], atol=1e-9)
    if with_velocities:
        np.testing.assert_allclose(at_points[:, 1], velocities[past:], atol=1e-9)
    assert np.concatenate(follower.desired(20.0)).tolist() == [*positions[-1], 0, 0]
    # Between them, the velocity is the derivative of the position.
    begins = np.append(begin, left[:-1])
    inside = (begins + np.linspace(0.002, 0.998, 25)[:, None] * (left - begins)).ravel()
    before, due, after = (
        np.array([follower.desired(time + step) for time in inside]) for step in (-1e-6, 0, 1e-6)
    )
    np.testing.assert_allclose((after - before)[:, 0] / 2e-6, due[:, 1], rtol=1e-3, atol=1e-3)
    fastest = np.abs(due[:, 1]).max()
    follow(1.05 * fastest)
    with pytest.raises(TrajectoryError, match=r'would move at .* Give it more time'):
        follow(0.95 * fastest)


@pytest.mark.parametrize(
    ('given', 'begin', 'sentence'),
    [
        (([1], [[0, 0]], None, ('first', 'third')), None, 'joint_names are first, third'),
        (([1], [[2, 0]]), None, r'first is 2.0000 at point 0; expected -1 to 1'),
        (([0.6], [[1, 0]], [[0, 0]]), None, 'would move at 2.50 per second'),
        (([1], [[1, 0]], [[0.5, 0]]), None, 'velocities of the last point'),
        (([0], [[0.5, 0]]), None, 'Give it more time'),
        (([1], [[0.5, 0]]), -2.0, r'ended 1\.000 s ago'),
    ],
)
def test_what_the_arm_cannot_do_is_refused(given, begin, sentence) -> None:
    follower = TrajectoryFollower(NAMES, np.array([[-1.0, 1], [0, 3]]), np.array([2.0, 2]))
    with pytest.raises(TrajectoryError, match=sentence):
        follower.start(trajectory(*given), now=0.0, begin=begin)
    assert follower.desired(5.0)[0] == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ('times', 'positions', 'velocities', 'sentence'),
    [
        ([], np.zeros((0, 2)), None, 'no points'),
        ([1, 1], [[0, 0], [1, 1]], None, 'expected increasing times'),
        ([2, 1], [[0, 0], [1, 1]], None, 'point 1 is 1 s after 2 s'),
        ([-1], [[0, 0]], None, 'finite times of at least 0 s'),
        ([np.nan], [[0, 0]], None, 'finite times of at least 0 s'),
        ([1], [[np.nan, 0]], None, 'positions contain a number that is not finite'),
        ([1], [[0, 0]], [[np.inf, 0]], 'velocities contain a number that is not finite'),
        ([1], [[0]], None, r'positions are \(1, 1\); expected \(1, 2\)'),
    ],
)
def test_a_malformed_trajectory_is_refused(times, positions, velocities, sentence) -> None:
    with pytest.raises(TrajectoryError, match=sentence):
        trajectory(times, positions, velocities)
