# SPDX-License-Identifier: Apache-2.0
"""A robot at work: one trial of the closed loop with an arm that follows joint trajectories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_sim.arm.arm_simulation import ArmSimulation
from afformer_sim.arm.franka import (
    ARM_JOINTS,
    FINGER_JOINTS,
    FINGER_SPEED,
    GRIPPER_CLOSED,
    GRIPPER_OPEN,
    JOINTS,
    POSTURES,
    mirrored,
)
from afformer_sim.arm.joint_trajectory import JointTrajectory, TrajectoryFollower
from afformer_sim.arm.workplace import Workplace, plan_workplace
from afformer_sim.bodies.pose import Pose
from afformer_sim.bodies.states import States
from afformer_sim.closed_loop.dynamics import PART_FRICTION
from afformer_sim.closed_loop.mechanism import mechanisms
from afformer_sim.closed_loop.operated_fixture import Watch
from afformer_sim.closed_loop.robot_observation import from_optical
from afformer_sim.closed_loop.trial import AttemptOutcome, judge
from afformer_sim.closed_loop.trial_plan import PlannedTrial

# Metres from the middle at which a finger counts as closed.
_HALF_CLOSED = (GRIPPER_OPEN + GRIPPER_CLOSED) / 2
# Seconds after closing within which the fingers grasp the element that the tip touches.
_GRASP_SECONDS = 0.3


@dataclass(frozen=True)
class WorldSnapshot:
    """The state of a world for the cameras at one time.

    Attributes:
        time: seconds since the reset.
        joints: float64 [9], positions of the arm's joints and of both fingers.
        states: displacements of the elements.
    """

    time: float
    joints: NDArray[np.float64]
    states: States


class ArmWorld:
    """World of one trial, from its beginning; `step` advances it, and trajectories move the arm.

    Closing the gripper grasps the element that the tip touches at that time or within 0.3 s. A
    gripper that was closed before holds nothing, so it can press buttons. Opening it releases the
    element. `ArmSimulation` describes how it holds an element.

    Equal trials with equal commands at equal times have equal results.

    Args:
        trial: trial of the closed-loop benchmark.
        workplace: workplace of an earlier world of the trial, to avoid planning it again.
        friction: friction of sliding and turning parts, newtons.

    Attributes:
        trial: the trial.
        workplace: positions of the arm and the table.
    """

    def __init__(
        self,
        trial: PlannedTrial,
        workplace: Workplace | None = None,
        friction: float = PART_FRICTION,
    ) -> None:
        fixture = trial.scene.fixture
        self.trial = trial
        self.workplace = workplace or plan_workplace(fixture, trial.view.camera)
        self._simulation = ArmSimulation(
            fixture,
            mechanisms(fixture, trial.task),
            self.workplace,
            table=trial.view.surroundings.table is not None,
            friction=friction,
        )
        limits = np.array([joint.limits for joint in JOINTS])
        speeds = np.array([joint.speed for joint in JOINTS])
        self._arm = TrajectoryFollower(ARM_JOINTS, limits, speeds)
        self._gripper = TrajectoryFollower(
            FINGER_JOINTS[:1], np.array([[0.0, GRIPPER_OPEN]]), np.array([FINGER_SPEED])
        )
        self.reset()

    def reset(self) -> None:
        """Begin the trial again: elements at their start, the arm in its posture `observe`."""
        posture = self.posture('observe')
        self._simulation.release()
        self._simulation.reset(posture, GRIPPER_OPEN)
        self._arm.stay(posture)
        self._gripper.stay(np.array([GRIPPER_OPEN]))
        self._watch = Watch.over(len(self._simulation.mechanisms))
        self._contacts: list[int] = []
        self._arm_contacts: set[int] = set()
        self._grasp_until: float | None = None
        self._closed = False
        self._held: int | None = None

    @property
    def time(self) -> float:
        """Simulated seconds since the reset."""
        return self._simulation.time

    @property
    def simulation(self) -> ArmSimulation:
        """Simulation of the arm and the fixture, only for reading."""
        return self._simulation

    @property
    def held(self) -> int | None:
        """Index of the element that the gripper holds, or None."""
        return self._held

    @property
    def arm_contacts(self) -> frozenset[int]:
        """Elements that the arm, except its tip, has touched; -1 for a fixed part."""
        return frozenset(self._arm_contacts)

    def posture(self, name: str) -> NDArray[np.float64]:
        """Return one of `POSTURES`, [7], mirrored if the arm stands on the left."""
        posture = np.array(POSTURES[name])
        return posture if self.workplace.side > 0 else mirrored(posture)

    def follow(self, trajectory: JointTrajectory, begin: float | None = None) -> None:
        """Let the arm follow a trajectory; see `TrajectoryFollower.start` for both.

        Raises:
            TrajectoryError: the trajectory is rejected; the arm continues as before.
        """
        self._arm.start(trajectory, self.time, begin)

    def move_gripper(self, trajectory: JointTrajectory, begin: float | None = None) -> None:
        """Let the gripper follow a trajectory of `panda_finger_joint1`: 0.04 m open, 0 closed.

        Raises:
            TrajectoryError: the trajectory is rejected; the gripper continues as before.
        """
        self._gripper.start(trajectory, self.time, begin)

    def step(self) -> None:
        """Simulate `TIMESTEP` seconds."""
        positions, velocities = self._arm.desired(self.time)
        finger, _ = self._gripper.desired(self.time)
        self._simulation.step(positions, velocities, float(finger[0]))
        self._watch.finish(self._simulation)
        self._contacts = self._contacts or self._simulation.in_contact()
        self._arm_contacts |= self._simulation.arm_contacts()
        self._grasp()

    def advance(self, seconds: float) -> None:
        """Simulate for some seconds, in whole steps."""
        end = self.time + seconds - 1e-9
        while self.time < end:
            self.step()

    def snapshot(self) -> WorldSnapshot:
        """Return the current state for the cameras."""
        simulation = self._simulation
        return WorldSnapshot(self.time, simulation.joint_positions(), simulation.states())

    def tip_pose(self) -> Pose:
        """Return the pose of the tip in the base's frame, z ahead."""
        return self._in_base(self._simulation.tip())

    def camera_pose(self) -> Pose:
        """Return the pose of the head camera's optical frame in the base's frame."""
        optical = from_optical(self.trial.view.camera)
        return self._in_base(Pose(optical.translation, optical.rotation))

    def outcome(self) -> AttemptOutcome:
        """Judge the trial by all events since the reset, like the closed loop."""
        return judge(self.trial.task, self._simulation.mechanisms, self._contacts, self._watch)

    def _grasp(self) -> None:
        closed = float(self._simulation.joint_positions()[len(ARM_JOINTS)]) < _HALF_CLOSED
        if closed and not self._closed:
            self._grasp_until = self.time + _GRASP_SECONDS
        if not closed and self._held is not None:
            self._simulation.release()
            self._held = None
        self._closed = closed
        if not closed or self._grasp_until is None:
            return
        if self.time > self._grasp_until:
            self._grasp_until = None
        elif (held := self._simulation.hold()) is not None:
            self._held, self._grasp_until = held, None

    def _in_base(self, pose: Pose) -> Pose:
        base = self.workplace.base
        rotation = base.rotation.T
        return Pose(rotation @ (pose.position - base.position), rotation @ pose.rotation)
