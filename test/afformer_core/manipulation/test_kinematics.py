# SPDX-License-Identifier: Apache-2.0
"""Steps of the tip, which no joint may take by a jump."""

from __future__ import annotations

from importlib.util import find_spec

import cv2
import numpy as np
import pytest

if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.contact import UnreachableError
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_sim.arm.franka import ARM_JOINTS, arm_model

START = np.array([0.3, -0.45, 0.2, -2.1, 0.15, 1.7, 0.4])


@pytest.fixture(scope='module')
def kinematics() -> TipKinematics:
    return TipKinematics(arm_model(), ARM_JOINTS, 'tip')


def _turned(kinematics: TipKinematics, angle: float) -> RigidTransform:
    """The pose of the tip at the start, turned about the tool's own axis."""
    tip = kinematics.tip(START)
    turn = cv2.Rodrigues(angle * tip.rotation[:, 2])[0]
    return RigidTransform(turn @ tip.rotation, tip.translation)


def test_a_step_reaches_the_pose_and_moves_the_wrist_most(kinematics: TipKinematics) -> None:
    pose = _turned(kinematics, 0.42)

    joints = kinematics.step(pose, START)

    reached = kinematics.tip(joints)
    assert reached.translation == pytest.approx(pose.translation, abs=1e-3)
    assert reached.rotation == pytest.approx(pose.rotation, abs=1e-2)
    assert (joints - START)[6] == pytest.approx(0.4, abs=0.03)
    assert np.abs(joints - START)[:6].max() < 0.1


def test_a_step_by_which_a_joint_would_jump_is_out_of_reach(kinematics: TipKinematics) -> None:
    with pytest.raises(UnreachableError, match='the joints would jump'):
        kinematics.step(_turned(kinematics, 0.7), START)


def test_a_joint_a_little_beyond_its_limit_goes_back_to_it(kinematics: TipKinematics) -> None:
    start = START.copy()
    start[5] = 3.7527
    joints = kinematics.joints(kinematics.tip(start), start)
    # 1.6 mrad before the limit, which a driver would refuse to exceed.
    assert joints[5] == pytest.approx(3.7509, abs=1e-4)
