# SPDX-License-Identifier: Apache-2.0
"""Calibrations that are off by what they are told, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.arm.robot_errors import RobotErrors
from afformer_sim.bodies.pose import Pose
from afformer_sim.cameras.depth_camera import SensedDepth


def turned(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def test_a_pose_is_off_by_the_shift_and_the_turn() -> None:
    pose = Pose(np.array([0.31, -0.22, 0.67]), turned(0.37))
    errors = RobotErrors(shift=0.005, turn=1.3)
    known = [errors.pose(pose, np.random.default_rng(seed)) for seed in range(4)]
    for one in known:
        assert np.linalg.norm(one.position - pose.position) == pytest.approx(0.005)
        cosine = (np.trace(one.rotation @ pose.rotation.T) - 1) / 2
        assert np.degrees(np.arccos(cosine)) == pytest.approx(1.3)
    assert not np.allclose(known[0].position, known[1].position)
    again = errors.pose(pose, np.random.default_rng(2))
    assert np.array_equal(again.position, known[2].position)


def test_depth_is_moved_against_the_image_and_unknown_at_its_border() -> None:
    values = np.arange(1, 78, dtype=np.float32).reshape(7, 11)
    holes = np.zeros((7, 11), bool)
    holes[3, 4] = True
    shifts = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        moved = RobotErrors(registration=2.0).registered(
            SensedDepth(values, holes, np.zeros_like(holes)), rng
        )
        (row,), (column,) = np.nonzero(moved.values == values[3, 5])
        shifts.add((row - 3, column - 5))
        assert moved.holes[row, column - 1]
        assert np.isnan(moved.values).sum() == moved.holes.sum() - 1
        known = ~np.isnan(moved.values)
        assert known.sum() == (7 - abs(row - 3)) * (11 - abs(column - 5))
    lengths = [np.hypot(*shift) for shift in shifts]
    assert len(shifts) > 3
    assert min(lengths) > 1.4
    assert max(lengths) < 2.3


def test_without_errors_nothing_is_off() -> None:
    pose = Pose(np.array([0.31, -0.22, 0.67]), turned(0.37))
    known = RobotErrors().pose(pose, np.random.default_rng(3))
    assert np.allclose(known.position, pose.position)
    assert np.allclose(known.rotation, pose.rotation)
