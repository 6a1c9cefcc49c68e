# SPDX-License-Identifier: Apache-2.0
"""Steps of the tip, where the skills send it, and how hard it pushes against what it meets."""

from __future__ import annotations

import re
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.geometry.transform import RigidTransform
from afformer_core.manipulation.arm import ArmReading, Guard
from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.contact import ArmContact, BlockedError, Felt, UnreachableError
from afformer_core.manipulation.joint_motion import JointMotion
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.skills import Correct, Skills
from afformer_core.manipulation.tip_motion import MotionSettings, TipMotion
from afformer_sim.arm.franka import ARM_JOINTS, POSTURES, arm_model

from .world_arm import GRIPPER, LIMITS

# Seconds between two readings.
PERIOD = 0.01
# What the sensors of the joints report without a force, newton metres.
OFFSET = np.array([6.0, -5.0, 4.0, -3.0, 2.0, -1.0, 1.0])


class WallArm:
    """An arm without dynamics, which is where it was sent unless its tip meets a wall.

    Args:
        wall: a point [3] on a wall and its normal [3]; None: no wall.
        stiffness: newtons per metre with which the arm pushes against the wall.
        sensor: 'wrench', 'effort' or '': what measures the force.
        start: joint positions [7].

    Attributes:
        kinematics: of this arm.
        joints: positions [7] now.
        motions: all that it was sent along.
        forces: newtons at each reading.
        losses: number of the next motions that are lost.
        grips: positions to which the gripper was sent.
        fingers: position at which the gripper is stopped, once it is closed.
    """

    def __init__(
        self,
        wall: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        stiffness: float = 2000.0,
        sensor: str = '',
        start: NDArray[np.float64] | None = None,
    ) -> None:
        self.kinematics = TipKinematics(arm_model(), ARM_JOINTS, 'tip')
        self.wall, self.stiffness, self.sensor = wall, stiffness, sensor
        self.joints = np.array(POSTURES['observe'] if start is None else start)
        self.motions: list[JointMotion] = []
        self.tips: list[NDArray[np.float64]] = []
        self.forces = [0.0]
        self.losses = 0
        self.grips: list[float] = []
        self.fingers = 0.0
        self.seconds = 17.0

    def reading(self) -> ArmReading:
        self.seconds += PERIOD
        push = np.zeros(3)
        if self.wall is not None:
            push = self.forces[-1] * self.wall[1]
        if self.sensor == 'wrench':
            return ArmReading(self.seconds, self.joints, force=push + [3.1, -8.2, 0.4])
        if self.sensor == 'effort':
            rotation = self.kinematics.tip(self.joints).rotation
            jacobian = self.kinematics.jacobian(self.joints)
            return ArmReading(
                self.seconds, self.joints, jacobian[:3].T @ rotation.T @ push + OFFSET
            )
        return ArmReading(self.seconds, self.joints)

    def follow(self, motion: JointMotion, guard: Guard | None = None) -> bool:
        self.motions.append(motion)
        if self.losses:
            self.losses -= 1
            return True
        passed = 0.0
        while passed < motion.duration:
            passed += PERIOD
            self._move(motion.at(passed))
            if guard is not None and guard(self.reading()):
                return False
        return True

    def grip(self, position: float, effort: float) -> float:
        self.grips.append(position)
        return max(position, self.fingers)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def targets(self) -> list[NDArray[np.float64]]:
        """Positions [3] of the tip to which the arm was sent, one for each motion."""
        return [self.kinematics.tip(motion.end).translation for motion in self.motions]

    def _move(self, joints: NDArray[np.float64]) -> None:
        behind = 0.0
        if self.wall is not None:
            point, normal = self.wall
            behind = max(0.0, float((point - self.kinematics.tip(joints).translation) @ normal))
        self.forces.append(self.stiffness * behind)
        if not behind:
            self.joints = joints
        self.tips.append(self.kinematics.tip(self.joints).translation)


def unit(*numbers: float) -> np.ndarray:
    return np.array(numbers) / np.linalg.norm(numbers)


POINT = np.array([0.52, 0.17, 0.43])
NORMAL = unit(-0.82, -0.31, 0.24)
OUT = unit(-0.97, 0.11, 0.23)


def act(
    arm: WallArm, contact: ArmContact, correct: Correct | None = None, **settings: float
) -> Felt:
    motions = MotionSettings(LIMITS, **settings)
    clearance = ArmClearance(arm_model(), ARM_JOINTS)
    return Skills(arm, arm.kinematics, motions, GRIPPER, 0.11, clearance).act(contact, correct)


def test_the_point_is_corrected_shortly_before_it() -> None:
    arm, shift = WallArm((POINT, NORMAL)), np.array([0.004, 0.011, -0.007])
    rested: list[np.ndarray] = []

    def correct() -> np.ndarray:
        rested.append(arm.kinematics.tip(arm.joints).translation)
        return shift

    assert act(arm, ArmContact('touch', POINT, NORMAL), correct).done
    assert rested[0] == pytest.approx(POINT + 0.045 * NORMAL, abs=2e-3)
    assert arm.targets()[2] == pytest.approx(POINT + shift + 0.025 * NORMAL, abs=2e-3)


def test_a_correction_out_of_reach_is_left_out() -> None:
    arm = WallArm((POINT, NORMAL))
    far = np.array([0.9, 0.4, 0.3])
    assert act(arm, ArmContact('touch', POINT, NORMAL), lambda: far).done
    assert arm.targets()[2] == pytest.approx(POINT + 0.025 * NORMAL, abs=2e-3)
    # Without a sensor, the command leads the stopped tip by a quarter of a second.
    assert 4.0 < max(arm.forces) < 20.0


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
    arm = WallArm((POINT - 0.012 * axis, axis))
    arm.fingers = 0.009
    felt = act(arm, ArmContact(action, POINT, NORMAL, motion))
    assert felt.done
    tips = [arm.kinematics.tip(sent.end) for sent in arm.motions]
    assert tips[0].translation == pytest.approx(POINT + 0.11 * axis, abs=2e-3)
    assert tips[1].translation == pytest.approx(POINT + 0.025 * axis, abs=2e-3)
    assert tips[1].rotation[:, 2] == pytest.approx(-axis, abs=2e-3)
    if action == 'pull':
        lines = [np.cross(tip.translation - POINT, axis) for tip in tips]
        assert np.abs(lines).max() < 8e-3
        assert re.fullmatch(r'held, pulled (9|12) cm', str(felt))


@pytest.mark.parametrize('sense', [1, -1])
def test_the_fingers_close_as_they_are_told(sense: int) -> None:
    closing = unit(*np.cross(NORMAL, sense * unit(0.3, 0.9, 0.2)))
    arm = WallArm()
    arm.fingers = 0.011
    felt = act(arm, ArmContact('pull', POINT, NORMAL, closing=closing))
    assert felt.held
    fingers = arm.kinematics.tip(arm.motions[1].end).rotation[:, 1]
    assert abs(fingers @ closing) > np.cos(0.27)
    assert felt.closing == pytest.approx(fingers, abs=5e-3)


@pytest.mark.parametrize(('motion', 'axes'), [(OUT, [OUT]), (None, [-NORMAL, NORMAL])])
def test_a_knob_that_hardly_turns_is_turned_in_both_senses_if_none_is_known(
    motion: np.ndarray | None, axes: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    turned: list[np.ndarray] = []
    monkeypatch.setattr(TipMotion, 'turn', lambda _, axis, angle: turned.append(axis) or 0.07)
    arm = WallArm()
    arm.fingers = 0.011
    assert not act(arm, ArmContact('rotate', POINT, NORMAL, motion)).done
    np.testing.assert_allclose(turned, axes)


def test_a_gripper_that_closes_on_nothing_holds_nothing_and_pulls_nothing() -> None:
    arm = WallArm()
    felt = act(arm, ArmContact('pull', POINT, NORMAL))
    assert (str(felt), felt.done, felt.held) == ('the gripper closed on nothing', False, False)
    assert arm.grips == [0.04, 0.0, 0.04]
    # It went 15 mm behind the point, and back.
    assert arm.targets()[2] == pytest.approx(POINT - 0.015 * NORMAL, abs=2e-3)
    assert arm.targets()[3] == pytest.approx(POINT + 0.095 * NORMAL, abs=2e-3)


def test_the_gripper_opens_3_cm_wider_than_the_part() -> None:
    arm = WallArm()
    act(arm, ArmContact('pull', POINT, NORMAL, width=0.021))
    assert arm.grips == pytest.approx([0.04 * 0.051 / 0.08, 0.0, 0.04])
    arm.grips.clear()
    act(arm, ArmContact('rotate', POINT, NORMAL, width=0.062))
    assert arm.grips[0] == 0.04


def test_what_the_arm_meets_on_its_way_is_not_the_surface() -> None:
    # A wall 6 cm before the surface.
    arm = WallArm((POINT + 0.06 * NORMAL, NORMAL))
    with pytest.raises(BlockedError, match=r'the arm stopped [34] cm before'):
        act(arm, ArmContact('pull', POINT, NORMAL))


def test_an_open_gripper_that_meets_what_is_beside_the_part_is_turned_next() -> None:
    # A wall 34 mm before the surface, on the way to 25 mm.
    arm = WallArm((POINT + 0.034 * NORMAL, NORMAL), sensor='wrench', stiffness=40_000.0)
    felt = act(arm, ArmContact('pull', POINT, NORMAL))
    assert (felt.held, felt.done, felt.in_contact) == (False, False, True)
    assert str(felt) == 'the open gripper met something 4 cm before the point'
    assert felt.closing is not None
    assert arm.grips == [0.04, 0.04]
    with pytest.raises(BlockedError):
        act(
            WallArm(arm.wall, sensor='wrench', stiffness=40_000.0),
            ArmContact('push', POINT, NORMAL),
        )


def test_no_joint_jumps_on_the_way_to_the_surface() -> None:
    # From here the shortest way leads to a pose of the arm that it must leave by 2.3 rad.
    start = np.array([-1.83, -1.26, -0.25, -2.78, -0.3, 1.6, 0.64])
    arm, outwards = WallArm(), unit(-0.7, 0.03, -0.72)
    points = [np.array([0.27, 0.25, 0.5]) + away * outwards for away in (0.11, 0.025, -0.03)]
    paths = arm.kinematics.approaches(points, -outwards, start)
    assert max(np.abs(np.diff(path, axis=0)).max() for path in paths) < 1.2


def test_a_trajectory_that_is_lost_is_sent_again() -> None:
    arm = WallArm((POINT, NORMAL))
    arm.losses = 1
    assert act(arm, ArmContact('touch', POINT, NORMAL)).done
    assert arm.targets()[:2] == [pytest.approx(POINT + 0.11 * NORMAL, abs=2e-3)] * 2


def test_the_end_of_the_reach_is_no_surface() -> None:
    felt = act(
        WallArm(), ArmContact('push', np.array([0.72, 0.228, 0.4]), unit(-0.95, -0.3, 0.04))
    )
    assert not felt.done
    assert re.fullmatch(r'nothing stopped the tip, pushed [2-9] cm', str(felt))


@pytest.mark.parametrize('sensor', ['wrench', 'effort'])
@pytest.mark.parametrize(('stiffness', 'speed'), [(3000.0, 0.05), (60_000.0, 0.02)])
def test_the_force_never_exceeds_its_limit(sensor: str, stiffness: float, speed: float) -> None:
    arm = WallArm((POINT, NORMAL), stiffness, sensor)
    contact = ArmContact('touch', POINT, NORMAL)
    felt = act(arm, contact, contact_speed=speed, contact_force=14.0, maximum_force=31.0)
    assert re.fullmatch(r'touched with \d+ N', str(felt))
    assert 7.0 < max(arm.forces) < 31.0


def test_a_contact_ends_a_guarded_motion_long_before_the_limit() -> None:
    arm = WallArm((POINT, NORMAL), 3000.0, 'wrench')
    path = [POINT + 0.02 * NORMAL, POINT]
    arm.joints = next(arm.kinematics.approaches(path, -NORMAL, arm.joints))[0]
    settings = MotionSettings(LIMITS, contact_speed=0.02, contact_force=12.0, maximum_force=200.0)
    travel = TipMotion(arm, arm.kinematics, settings).advance(-NORMAL, 0.05)
    assert travel.stopped
    assert travel.length == pytest.approx(0.02, abs=1e-3)
    assert 12.0 <= travel.force == max(arm.forces) < 14.0


def test_a_part_that_resists_is_pulled_with_half_of_the_force_at_first() -> None:
    # What is pulled cannot leave the wall behind it.
    arm = WallArm((POINT, -NORMAL), 2400.0, 'wrench')
    path = [POINT + 0.05 * NORMAL, POINT]
    arm.joints = next(arm.kinematics.approaches(path, -NORMAL, arm.joints))[-1]
    tip = TipMotion(arm, arm.kinematics, MotionSettings(LIMITS, maximum_force=40.0))
    assert tip.guide(NORMAL, 0.12).stopped
    gentle = max(arm.forces)
    assert 12.0 < gentle < 20.0
    arm.forces.append(0.0)
    assert tip.guide(NORMAL, 0.12, lead=0.02, share=1.0).stopped
    assert 30.0 < max(arm.forces) < 40.0


def test_the_tip_is_not_faster_than_its_limit() -> None:
    arm = WallArm()
    act(arm, ArmContact('touch', POINT, NORMAL), tip_speed=0.13, contact_speed=0.03)
    speeds = np.linalg.norm(np.diff(arm.tips, axis=0), axis=1) / 0.01
    assert 0.115 < speeds.max() < 0.135


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


def test_time_in_which_a_motion_is_planned_is_no_standstill() -> None:
    arm = WallArm()
    follow = arm.follow

    def follow_late(motion: JointMotion, guard: Guard | None = None) -> bool:
        arm.seconds += 1.1
        return follow(motion, guard)

    arm.follow = follow_late  # type: ignore[method-assign]
    travel = TipMotion(arm, arm.kinematics, MotionSettings(LIMITS)).advance(-NORMAL, 0.04)
    assert (travel.length, travel.stopped) == (pytest.approx(0.04, abs=1e-3), False)
