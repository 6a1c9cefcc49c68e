# SPDX-License-Identifier: Apache-2.0
"""An arm client whose arm is simulated while the client waits for it, and stands still else.

The messages are those that the client and the simulated robot exchange over ROS. No thread runs,
so that the speed of the machine changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from unittest import mock

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory

from afformer_ros.planner import trajectory_controllers
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.waiting import TimeLimit, Waiting
from afformer_ros.sim_robot.robot_messages import joint_state_message, read_trajectory
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import ARM_JOINTS, FINGER_JOINTS

# Seconds between two joint states, and at which the robot's clock begins.
PERIOD, BEGIN = 0.01, 1234.5


class Stepping(threading.Condition):
    """A condition that is waited for by simulating."""

    def __init__(self, step: Callable[[], None]) -> None:
        super().__init__()
        self._step = step

    def wait(self, timeout: float | None = None) -> bool:
        self._step()
        return True


class SteppedWaiting(Waiting):
    """Waits whose clock and wall are the robot's."""

    def __init__(self, now: Callable[[], int], step: Callable[[], None]) -> None:
        self._step = step
        self._finished = threading.Event()
        self._interruption = ''
        self._now = now

    def now(self) -> int:
        return self._now()

    def pause(self) -> None:
        self._step()

    def limit(self, seconds: float) -> TimeLimit:
        return TimeLimit(self._now, seconds, 30.0, lambda: self._now() * 1e-9)


class Controller:
    """The publisher of trajectories to a controller of the simulated arm."""

    def __init__(self, topic: str, follow: Callable[[Any], None]) -> None:
        self.topic_name = topic
        self._follow = follow
        self.sent: list[JointTrajectory] = []

    def get_subscription_count(self) -> int:
        return 1

    def wait_for_all_acked(self, _: Any) -> bool:
        return True

    def publish(self, message: JointTrajectory) -> None:
        self.sent.append(message)
        self._follow(read_trajectory(message))


class LockStep:
    """A simulated arm and its client.

    Attributes:
        world: world of the arm.
        arm: the client.
        values: [N] joint values of the parts after each step.
        velocities: [7] of the arm after each step, radians per second.
        positions: [7] of the arm after each step, radians.
    """

    def __init__(self, world: ArmWorld) -> None:
        self.world = world
        self.values: list[NDArray[np.float64]] = []
        self.velocities: list[NDArray[np.float64]] = []
        self.positions: list[NDArray[np.float64]] = []
        self.controllers: dict[str, Controller] = {}
        waiting = SteppedWaiting(self.nanoseconds, self.step)
        with (
            mock.patch('threading.Condition', partial(Stepping, self.step)),
            mock.patch.object(trajectory_controllers, 'control_actions', None),
        ):
            self.arm = ArmClient(cast(Any, self), ARM_JOINTS, FINGER_JOINTS[0], waiting)

    def nanoseconds(self) -> int:
        """The robot's clock."""
        return round((BEGIN + self.world.time) * 1e9)

    def create_subscription(
        self, kind: type, topic: str, callback: Callable[[JointState], None], _: Any
    ) -> None:
        if topic == 'joint_states':
            assert kind is JointState
            self._deliver = callback

    def create_publisher(self, kind: type, topic: str, _: int) -> Controller:
        assert kind is JointTrajectory
        follow = {
            'arm_controller/joint_trajectory': self.world.follow,
            'gripper_controller/joint_trajectory': self.world.move_gripper,
        }
        self.controllers[topic] = Controller(topic, follow[topic])
        return self.controllers[topic]

    def step(self) -> None:
        """Simulate until the next joint state, and deliver it."""
        world = self.world
        world.advance(PERIOD)
        self.values.append(world.values())
        self.velocities.append(world.joint_velocities()[:7])
        self.positions.append(world.joint_positions()[:7])
        nanoseconds = self.nanoseconds()
        stamp = Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        self._deliver(joint_state_message(world, Header(stamp=stamp)))

    def reset(self) -> None:
        """Begin again: parts and arm at their start, and nothing recorded."""
        self.world.reset()
        for record in (self.values, self.velocities, self.positions):
            record.clear()
