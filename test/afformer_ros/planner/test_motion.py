# SPDX-License-Identifier: Apache-2.0
"""Where the skills send an arm, over the topics of an arm."""

from __future__ import annotations

import re
import threading
from importlib.util import find_spec

import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.manipulation.contact import ArmContact, BlockedError, Felt
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.skills import Correct, Skills
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.waiting import Waiting
from afformer_sim.arm.franka import ARM_JOINTS, arm_model

from .stand_in_arm import FINGER, StandInArm


def unit(*numbers: float) -> np.ndarray:
    return np.array(numbers) / np.linalg.norm(numbers)


POINT = np.array([0.52, 0.17, 0.43])
NORMAL = unit(-0.82, -0.31, 0.24)


def act(arm: StandInArm, contact: ArmContact, correct: Correct | None = None) -> Felt:
    node = arm.planner_node()
    waiting = Waiting(node.get_clock(), threading.Event(), 20.0)
    client = ArmClient(node, ARM_JOINTS, FINGER, waiting)
    skills = Skills(client, TipKinematics(arm_model(), ARM_JOINTS, 'tip'), 0.11)
    with arm:
        return skills.act(contact, correct)


def heights(arm: StandInArm) -> list[float]:
    """Metres of the tip before the surface, at all times."""
    return [float((arm.kinematics.tip(one).translation - POINT) @ NORMAL) for one in arm.history]


def test_the_point_is_corrected_shortly_before_it() -> None:
    arm, shift = StandInArm(wall=(POINT, NORMAL)), np.array([0.004, 0.011, -0.007])
    rested: list[np.ndarray] = []

    def correct() -> np.ndarray:
        rested.append(arm.kinematics.tip(arm.joints).translation)
        return shift

    assert act(arm, ArmContact('touch', POINT, NORMAL), correct).done
    assert rested[0] == pytest.approx(POINT + 0.045 * NORMAL, abs=2e-3)
    near = arm.targets()[2]
    assert near == pytest.approx(POINT + shift + 0.025 * NORMAL, abs=2e-3)


def test_a_correction_out_of_reach_is_left_out() -> None:
    arm = StandInArm(wall=(POINT, NORMAL))
    far = np.array([0.9, 0.4, 0.3])
    assert act(arm, ArmContact('touch', POINT, NORMAL), lambda: far).done
    assert arm.targets()[2] == pytest.approx(POINT + 0.025 * NORMAL, abs=2e-3)


OUT = unit(-0.97, 0.11, 0.23)


@pytest.mark.parametrize(
    ('action', 'motion', 'axis'),
    [
        ('pull', OUT, OUT),
        ('push', -OUT, OUT),
        # The motion of what is pulled points out of its surface.
        ('pull', -OUT, NORMAL),
        ('pull', None, NORMAL),
        ('touch', -OUT, NORMAL),
        ('pick up', unit(0.04, 0.02, 0.99), NORMAL),
    ],
)
def test_a_pull_and_a_push_come_along_the_axis_of_motion(
    action: str, motion: np.ndarray | None, axis: np.ndarray
) -> None:
    arm = StandInArm(wall=(POINT, axis), speed=40.0)
    felt = act(arm, ArmContact(action, POINT, NORMAL, motion))
    assert felt.done
    tips = [arm.kinematics.tip(one.positions[-1]) for one in arm.tracks]
    assert tips[0].translation == pytest.approx(POINT + 0.11 * axis, abs=2e-3)
    assert tips[1].translation == pytest.approx(POINT + 0.025 * axis, abs=2e-3)
    assert tips[1].rotation[:, 2] == pytest.approx(-axis, abs=2e-3)
    if action == 'pull':
        lines = [np.cross(one.translation - POINT, axis) for one in tips]
        assert np.abs(lines).max() < 8e-3
        assert re.fullmatch(r'touched, pulled (8|12) cm', str(felt))


def test_what_the_arm_meets_on_its_way_is_not_the_surface() -> None:
    # A wall 6 cm before the surface.
    arm = StandInArm(wall=(POINT + 0.06 * NORMAL, NORMAL))
    with pytest.raises(BlockedError, match=r'the arm stopped [34] cm before'):
        act(arm, ArmContact('pull', POINT, NORMAL))


def test_no_joint_jumps_on_the_way_to_the_surface() -> None:
    # From here the shortest way leads to a pose of the arm that it must leave by 2.3 rad.
    start = np.array([-1.83, -1.26, -0.25, -2.78, -0.3, 1.6, 0.64])
    arm = StandInArm(start=start)
    act(arm, ArmContact('touch', np.array([0.27, 0.25, 0.5]), unit(-0.7, 0.03, -0.72)))
    before, *later = (one.positions[-1] for one in arm.tracks)
    assert np.abs(np.diff([before, *later[:10]], axis=0)).max() < 1.2


def test_a_trajectory_that_is_lost_is_sent_again() -> None:
    arm = StandInArm(wall=(POINT, NORMAL))
    arm.losses = 1
    felt = act(arm, ArmContact('touch', POINT, NORMAL))
    assert felt.done
    assert arm.targets()[0] == pytest.approx(POINT + 0.11 * NORMAL, abs=2e-3)
    assert min(heights(arm)) == pytest.approx(0, abs=4e-3)


def test_the_end_of_the_reach_is_no_surface() -> None:
    arm = StandInArm()
    felt = act(arm, ArmContact('push', np.array([0.724, 0.229, 0.4]), unit(-0.95, -0.3, 0.04)))
    assert not felt.done
    assert re.fullmatch(r'nothing stopped the tip, pushed [2-9] cm', str(felt))
