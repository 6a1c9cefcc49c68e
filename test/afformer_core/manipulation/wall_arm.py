# SPDX-License-Identifier: Apache-2.0
"""An arm that is where it was sent, unless its tip meets a wall; time passes while it moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.arm import ArmReading, Guard
from afformer_core.manipulation.joint_motion import JointMotion
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_sim.arm.franka import ARM_JOINTS, POSTURES, arm_model

# Seconds between two readings.
PERIOD = 0.01
# What the sensors of the joints report without a force, newton metres.
OFFSET = np.array([6.0, -5.0, 4.0, -3.0, 2.0, -1.0, 1.0])


class WallArm:
    """An arm without dynamics.

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
