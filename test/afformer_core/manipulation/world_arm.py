# SPDX-License-Identifier: Apache-2.0
"""A simulated arm whose time passes only while it is waited for, and what its camera tells it."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.arm import ArmReading, Guard
from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.contact import ArmContact
from afformer_core.manipulation.gripper import Gripper
from afformer_core.manipulation.joint_motion import JointLimits, JointMotion
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.skills import Skills
from afformer_core.manipulation.tip_motion import MotionSettings
from afformer_core.stream.settings import StreamSettings
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS, arm_model
from afformer_sim.arm.joint_trajectory import JointTrajectory
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.robot_observation import publish_pixel, see
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials
from afformer_sim.scene.renderer import Renderer

# Seconds between two readings, and in which the arm settles after a motion.
PERIOD, SETTLING = 0.01, 0.15
# Speeds, accelerations and jerks of all joints, radians and seconds.
LIMITS = JointLimits(np.full(7, 1.2), np.full(7, 6.0), np.full(7, 60.0))
GRIPPER = Gripper(open=0.04, closed=0.0)


class WorldArm:
    """The arm of a world.

    Args:
        world: the world.
        measured: whether the efforts of its joints are known.

    Attributes:
        velocities, positions: [7] of the arm at each reading.
        values: [N] joint values of the parts at each reading.
        pushes: newtons with which the fingertips push at each reading.
    """

    def __init__(self, world: ArmWorld, *, measured: bool = True) -> None:
        self.world = world
        self._measured = measured
        self._commanded = world.joint_positions()[:7]
        self.velocities: list[NDArray[np.float64]] = []
        self.positions: list[NDArray[np.float64]] = []
        self.values: list[NDArray[np.float64]] = []
        self.pushes: list[float] = []

    def reading(self) -> ArmReading:
        self.world.advance(PERIOD)
        joints = self.world.joint_positions()[:7]
        self.positions.append(joints)
        self.velocities.append(self.world.joint_velocities()[:7])
        self.values.append(self.world.values())
        self.pushes.append(self._push())
        efforts = self.world.joint_efforts()[:7] if self._measured else None
        return ArmReading(self.world.time, joints, efforts)

    def follow(self, motion: JointMotion, guard: Guard | None = None) -> bool:
        self._start(motion.begun_at(self._commanded))
        begin = self.world.time
        while self.world.time < begin + motion.duration + SETTLING:
            reading = self.reading()
            if guard is not None and guard(reading):
                still = np.zeros((2, 7))
                path = np.array([self._desired(), reading.positions])
                self._start(JointMotion(np.array([0.0, 0.1]), path, still, still))
                self.wait(SETTLING)
                return False
        return True

    def grip(self, position: float, effort: float) -> float:
        times, target = np.array([0.5]), np.array([[position]])
        self.world.move_gripper(JointTrajectory(FINGER_JOINTS[:1], times, target))
        self.wait(0.8)
        return float(self.world.joint_positions()[7])

    def wait(self, seconds: float) -> None:
        end = self.world.time + seconds
        while self.world.time < end:
            self.reading()

    def reset(self) -> None:
        """Begin again: parts and arm at their start, and nothing recorded."""
        self.world.reset()
        self._commanded = self.world.joint_positions()[:7]
        for record in (self.positions, self.velocities, self.values, self.pushes):
            record.clear()

    def _push(self) -> float:
        """Return the sum of the contact forces at the fingertips, newtons."""
        model, data = self.world._model, self.world._data
        total = np.zeros(3)
        for index, contact in enumerate(data.contact):
            if {*contact.geom} & {*self.world._tips}:
                force = np.zeros(6)
                mujoco.mj_contactForce(model, data, index, force)
                sign = 1 if contact.geom[0] in self.world._tips else -1
                total += sign * contact.frame.reshape(3, 3).T @ force[:3]
        return float(np.linalg.norm(total))

    def _desired(self) -> NDArray[np.float64]:
        return self.world._arm.desired(self.world.time)[0]

    def _start(self, motion: JointMotion) -> None:
        self._commanded = motion.end
        trajectory = JointTrajectory(
            ARM_JOINTS, motion.times[1:], motion.positions[1:], motion.velocities[1:]
        )
        self.world.follow(trajectory)


def skills_of(arm: WorldArm, **settings: float) -> Skills:
    kinematics = TipKinematics(arm_model(), ARM_JOINTS, 'tip')
    clearance = ArmClearance(arm_model(), ARM_JOINTS)
    return Skills(arm, kinematics, MotionSettings(LIMITS, **settings), GRIPPER, 0.1, clearance)


def find_trial(family: str, action: str) -> PlannedTrial:
    """Find the first trial of the benchmark with a family and an action."""
    settings = ClosedLoopSettings(families=(family,))
    trials = (trial for index in range(20) for trial in plan_trials(settings, index))
    return next(trial for trial in trials if trial.task.action == action)


def right_contact(world: ArmWorld) -> ArmContact:
    """Where a perfect model points at in the image of the robot's camera."""
    trial, to_base = world.trial, world.workplace.base.inverse()
    rng = make_rng(trial.scene.seed, Stream.RGBD)
    with Renderer(trial.scene, trial.view.size) as renderer:
        observation = see(renderer, trial.view, trial.states, rng)
    sensed = DepthCamera(0.0, 0.0).measure(observation.depth, rng)
    pixel = observation.right_pixel(trial.scene.fixture, trial.task.element)
    seen = publish_pixel(pixel, observation, sensed, StreamSettings())
    assert seen.position is not None, seen.problem
    assert seen.normal is not None
    point, normal = to_base.apply(seen.position), to_base.direct(seen.normal)
    return ArmContact(trial.task.action, point, normal)
