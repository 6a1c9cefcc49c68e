# SPDX-License-Identifier: Apache-2.0
"""Motions of joints, which keep every limit and end at rest."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('ruckig')

from afformer_core.manipulation.joint_motion import JointLimits, JointMotion, joint_motion

LIMITS = JointLimits(np.array([1.2, 0.7]), np.array([6.0, 2.5]), np.array([60.0, 21.0]))
ARC = [np.array([0.9 * np.sin(at), 0.4 * np.cos(2 * at)]) for at in np.linspace(0, 1.7, 18)]


def derivative(motion: JointMotion, values: np.ndarray) -> np.ndarray:
    return np.gradient(values, motion.times, axis=0)[1:-1]


@pytest.mark.parametrize('path', [[np.array([0.3, -0.2]), np.array([-0.4, 0.9])], ARC])
def test_a_motion_keeps_the_limits_and_reaches_one_of_them(path: list[np.ndarray]) -> None:
    motion = joint_motion(path, LIMITS)
    assert motion.positions[0] == pytest.approx(path[0])
    assert motion.end == pytest.approx(path[-1])
    assert np.abs(motion.velocities[[0, -1]]).max() == 0
    assert derivative(motion, motion.positions) == pytest.approx(motion.velocities[1:-1], abs=0.02)
    shares = [
        np.abs(values).max(axis=0) / limit
        for values, limit in (
            (motion.velocities, LIMITS.velocity),
            (motion.accelerations, LIMITS.acceleration),
            (derivative(motion, motion.accelerations), LIMITS.jerk),
        )
    ]
    assert np.max(shares) < 1.2
    assert np.max(shares[:2]) > 0.65


def test_a_line_is_as_fast_as_its_slowest_joint_allows() -> None:
    # The second joint needs 1.1 rad / 0.7 rad/s, and 0.35 s to start and to stop.
    motion = joint_motion([np.array([0.3, -0.2]), np.array([-0.4, 0.9])], LIMITS)
    assert motion.duration == pytest.approx(1.1 / 0.7 + 0.7 / 2.5 + 2.5 / 21.0, abs=0.03)
    ways = motion.positions - motion.positions[0]
    assert ways[:, 0] * 1.1 == pytest.approx(-0.7 * ways[:, 1], abs=1e-9)


def test_a_rate_makes_it_slower_and_a_ramp_starts_it_gently() -> None:
    motion = joint_motion(ARC, LIMITS, rate=0.25, ramp=0.6)
    assert 4.0 < motion.duration < 4.9
    begun = motion.times < 0.2
    speed = np.linalg.norm(motion.velocities, axis=1)
    assert speed[begun].max() < 0.3 * speed.max()


def test_nothing_to_move_takes_an_instant() -> None:
    motion = joint_motion([ARC[3], ARC[3]], LIMITS)
    assert motion.duration < 0.2
    assert motion.positions == pytest.approx(np.tile(ARC[3], (len(motion.times), 1)))


def test_a_motion_that_begins_elsewhere_fades_to_the_same_end() -> None:
    motion = joint_motion(ARC, LIMITS)
    begun = motion.begun_at(ARC[0] + [0.03, -0.01])
    assert begun.positions[0] == pytest.approx(ARC[0] + [0.03, -0.01])
    assert begun.end == pytest.approx(ARC[-1])
    assert np.abs(begun.velocities[[0, -1]]).max() == 0
    assert derivative(begun, begun.positions) == pytest.approx(begun.velocities[1:-1], abs=0.02)
    assert derivative(begun, begun.velocities) == pytest.approx(begun.accelerations[1:-1], abs=0.6)
    assert motion.at(0.4) == pytest.approx(motion.positions[20], abs=2e-3)


def test_wrong_limits_and_paths_are_refused() -> None:
    with pytest.raises(ValueError, match='acceleration has 1 values; expected 2'):
        JointLimits(np.ones(2), np.ones(1), np.ones(2))
    with pytest.raises(ValueError, match=r'jerk is \[1.0, 0.0\]; expected positive'):
        JointLimits(np.ones(2), np.ones(2), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match='expected at least two points'):
        joint_motion([ARC[0]], LIMITS)
    with pytest.raises(ValueError, match='a number that is not finite'):
        joint_motion([ARC[0], np.array([np.nan, 0.1])], LIMITS)
