# SPDX-License-Identifier: Apache-2.0
"""Fingers of three bones end where they are told, and bend to the side they are told."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_sim.hand_mesh.finger_chain import bend_finger

LENGTHS = np.array([0.045, 0.026, 0.018])
BACK = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize('distance', [0.045, 0.06, 0.08])
def test_a_tip_within_reach_is_reached_by_bones_of_their_lengths(distance: float) -> None:
    root, tip = np.array([0.01, 0.02, 0.03]), np.array([0.01, 0.02 + distance, 0.03])
    joints = bend_finger(root, tip, LENGTHS, BACK)
    np.testing.assert_allclose(joints[[0, 3]], [root, tip], atol=1e-12)
    bones = np.linalg.norm(np.diff(joints, axis=0), axis=1)
    np.testing.assert_allclose(bones, LENGTHS, rtol=2e-3)


def test_the_joints_stand_out_to_the_back_in_one_plane() -> None:
    joints = bend_finger(np.zeros(3), np.array([0.0, 0.06, 0.0]), LENGTHS, BACK)
    np.testing.assert_allclose(joints[:, 0], 0, atol=1e-12)
    assert (joints[1:3, 2] > 0.01).all()


def test_the_last_joint_bends_two_thirds_as_far_as_the_middle_one() -> None:
    joints = bend_finger(np.zeros(3), np.array([0.0, 0.06, 0.0]), LENGTHS, BACK)
    bones = np.diff(joints, axis=0) / LENGTHS[:, None]
    angles = np.arccos((bones[:-1] * bones[1:]).sum(axis=1))
    assert angles[1] / angles[0] == pytest.approx(0.65, abs=0.01)


def test_a_tip_out_of_reach_is_reached_by_longer_bones() -> None:
    tip = np.array([0.0, 0.12, 0.0])
    joints = bend_finger(np.zeros(3), tip, LENGTHS, BACK)
    np.testing.assert_allclose(joints[3], tip, atol=1e-12)
    bones = np.linalg.norm(np.diff(joints, axis=0), axis=1)
    np.testing.assert_allclose(bones, LENGTHS * 0.12 / LENGTHS.sum(), rtol=1e-2)
