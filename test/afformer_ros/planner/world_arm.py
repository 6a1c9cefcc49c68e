# SPDX-License-Identifier: Apache-2.0
"""A simulated arm that the planner moves without ROS, and what its camera says of an element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.stream.settings import StreamSettings
from afformer_ros.planner.contact import ArmContact
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS
from afformer_sim.arm.joint_trajectory import JointTrajectory
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.robot_observation import publish_pixel, see
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial_plan import PlannedTrial, plan_trials
from afformer_sim.scene.renderer import Renderer


class WorldArm:
    """An arm in a world that is simulated as far as it is asked to move."""

    def __init__(self, world: ArmWorld) -> None:
        self.world = world

    def positions(self) -> NDArray[np.float64]:
        """Joint positions [7], radians."""
        return self.world.simulation.joint_positions()[:7]

    def follow(self, path: Sequence[NDArray[np.float64]], seconds: float) -> None:
        """Go along joint positions."""
        way = float(np.abs(np.diff([self.positions(), *path], axis=0)).max())
        seconds = max(seconds, way)
        times = np.linspace(0, seconds, len(path) + 1)[1:]
        self.world.follow(JointTrajectory(ARM_JOINTS, times, np.array(path)))
        self.world.advance(seconds + 0.1)
        before = np.full(7, np.inf)
        while np.abs(self.positions() - before).max() > 0.002:
            before = self.positions()
            self.world.advance(0.1)

    def grip(self, width: float, seconds: float = 0.5) -> None:
        """Bring the gripper's joint to a position, metres."""
        times, positions = np.array([seconds]), np.array([[width]])
        self.world.move_gripper(JointTrajectory(FINGER_JOINTS[:1], times, positions))
        self.world.advance(seconds + 0.1)

    def wait(self, seconds: float) -> None:
        """Wait."""
        self.world.advance(seconds)


def find_trial(family: str, action: str) -> PlannedTrial:
    """Find the first trial of the benchmark with a family and an action."""
    settings = ClosedLoopSettings(families=(family,))
    trials = (trial for index in range(20) for trial in plan_trials(settings, index))
    return next(trial for trial in trials if trial.task.action == action)


def right_contact(world: ArmWorld) -> ArmContact:
    """Where a perfect model points at in the image of the robot's camera."""
    trial, base = world.trial, world.workplace.base
    rng = make_rng(trial.scene.seed, Stream.RGBD)
    with Renderer(trial.scene, trial.view.size) as renderer:
        observation = see(renderer, trial.view, trial.states, rng)
    sensed = DepthCamera(0.0, 0.0).measure(observation.depth, rng)
    pixel = observation.right_pixel(trial.scene.fixture, trial.task.element)
    seen = publish_pixel(pixel, observation, sensed, StreamSettings())
    assert seen.point is not None, seen.problem
    assert seen.normal is not None
    turn = base.rotation.T
    return ArmContact(trial.task.action, turn @ (seen.point - base.position), turn @ seen.normal)
