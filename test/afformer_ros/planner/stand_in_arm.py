# SPDX-License-Identifier: Apache-2.0
"""An arm that follows trajectories exactly, on the topics of a driver, with its own clock.

Nothing is simulated but its joints, and a wall at which its tip stops.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.action import ActionClient, ActionServer
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from afformer_core.manipulation.kinematics import TipKinematics
from afformer_ros.service_pool_executor import ServicePoolExecutor
from afformer_sim.arm.franka import ARM_JOINTS, POSTURES, arm_model

FINGER = 'panda_finger_joint1'
# Seconds of the arm's time between two joint states.
STEP = 0.04


def time_message(nanoseconds: int) -> Time:
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


@dataclass
class Track:
    """A trajectory that is followed: float [P + 1] times and [P + 1, J] positions."""

    times: NDArray[np.float64]
    positions: NDArray[np.float64]

    def at(self, when: float) -> NDArray[np.float64]:
        columns = self.positions.T
        return np.array([np.interp(when, self.times, column) for column in columns])


class StandInArm:
    """The arm, and the context and the executor of all nodes of a test; a `with` block runs it.

    Args:
        speed: seconds of its clock in a second on the wall.
        wall: a point [3] on a wall and its normal [3]; the tip does not go behind it.

    Attributes:
        joints: positions [7] at the moment.
        efforts: of the joints and the finger; empty if none are published.
        object_width: finger position at which an object stops the gripper.
        tracks: all that the arm was sent along so far.
        messages: the trajectories that it was sent.
        grips: the trajectories that the gripper was sent.
        closings: how often the gripper has closed.
        deaf: whether trajectories are lost.
        losses: how many of the first trajectories are lost.
        stamp_offset: nanoseconds by which the stamps of joint states are wrong.
        running: whether the clock runs.
        silent: whether it publishes no joint states.
    """

    def __init__(
        self,
        speed: float = 25.0,
        wall: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        start: NDArray[np.float64] | None = None,
    ) -> None:
        self.kinematics = TipKinematics(arm_model(), ARM_JOINTS, 'tip')
        # Kinematics are not shared by threads.
        self._own_kinematics = TipKinematics(arm_model(), ARM_JOINTS, 'tip')
        self.speed, self.wall = speed, wall
        self.joints = np.array(POSTURES['observe'] if start is None else start)
        self.efforts: list[float] = []
        self.finger, self.object_width = 0.04, 0.0
        self.closings = 0
        self.grips: list[JointTrajectory] = []
        self.tracks: list[Track] = []
        self.messages: list[JointTrajectory] = []
        self.history: list[NDArray[np.float64]] = []
        self.deaf = False
        self.losses = 0
        self.running = True
        self.silent = False
        self.stamp_offset = 0
        self.now = 100 * 10**9
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.executor = ServicePoolExecutor(1, context=self.context)
        self.node = self.create_node('driver')
        self._clock = self.node.create_publisher(Clock, '/clock', 1)
        self._told = threading.Event()
        self.node.create_subscription(Clock, '/clock', lambda _: self._told.set(), 1)
        self._states = self.node.create_publisher(JointState, 'joint_states', 10)
        self.node.create_subscription(
            JointTrajectory, 'arm_controller/joint_trajectory', self.follow, 1
        )
        self.node.create_subscription(
            JointTrajectory, 'gripper_controller/joint_trajectory', self._grip, 1
        )
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._spin, self._tick)]

    def create_node(self, name: str, **options: Any) -> Node:
        node = rclpy.create_node(
            name, context=self.context, start_parameter_services=False, **options
        )
        self.executor.add_node(node)
        return node

    def planner_node(self, name: str = 'planner') -> Node:
        """A node by the arm's clock."""
        return self.create_node(name, parameter_overrides=[Parameter('use_sim_time', value=True)])

    def __enter__(self) -> StandInArm:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self.executor.wake()
        for thread in self._threads:
            thread.join()
        nodes = self.executor.get_nodes()
        self.executor.shutdown()
        for node in nodes:
            # rclpy leaves them to the garbage collector: the next test would find their services.
            for waitable in list(node.waitables):
                if isinstance(waitable, (ActionClient, ActionServer)):
                    waitable.destroy()
            node.destroy_node()
        rclpy.shutdown(context=self.context)

    def tip(self) -> NDArray[np.float64]:
        return self.kinematics.tip(self.joints).translation

    def targets(self) -> list[NDArray[np.float64]]:
        """Positions [3] of the tip that the arm was sent to, one for each trajectory."""
        return [self.kinematics.tip(one.positions[-1]).translation for one in self.tracks]

    def publish_state(self, stamp: int, joints: NDArray[np.float64]) -> None:
        message = JointState(
            name=[*ARM_JOINTS, FINGER],
            position=[*joints.tolist(), self.finger],
            effort=self.efforts,
        )
        message.header.stamp = time_message(stamp)
        self._states.publish(message)

    def follow(self, message: JointTrajectory) -> None:
        self.messages.append(message)
        if self.deaf or len(self.messages) <= self.losses:
            return
        now = self.now * 1e-9
        offsets = [
            one.time_from_start.sec + 1e-9 * one.time_from_start.nanosec for one in message.points
        ]
        due = self.tracks[-1].at(now) if self.tracks else self.joints
        self.tracks.append(
            Track(
                np.array([now, *(now + one for one in offsets)]),
                np.array([due, *(one.positions for one in message.points)]),
            )
        )

    def _grip(self, message: JointTrajectory) -> None:
        self.grips.append(message)
        self.move_finger(float(message.points[-1].positions[0]))

    def move_finger(self, position: float) -> None:
        before, self.finger = self.finger, max(position, self.object_width)
        self.closings += self.finger == self.object_width < before

    def advance(self) -> None:
        """Move the joints to where they are due now."""
        if self.tracks:
            joints = self.tracks[-1].at(self.now * 1e-9)
            if self.wall is not None:
                point, normal = self.wall
                if (self._own_kinematics.tip(joints).translation - point) @ normal < -0.002:
                    joints = self.joints
            self.joints = joints
            self.history.append(joints)

    def _tick(self) -> None:
        due = time.monotonic()
        while not self._ending.is_set():
            if self.running:
                self.now += round(STEP * 1e9)
                self.advance()
                self._told.clear()
                self._clock.publish(Clock(clock=time_message(self.now)))
                if not self.silent:
                    self.publish_state(self.now + self.stamp_offset, self.joints)
                # On a busy machine, the clock does not run ahead of the nodes.
                self._told.wait(0.1)
            due = max(due + STEP / self.speed, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def _spin(self) -> None:
        while not self._ending.is_set():
            self.executor.spin_once(timeout_sec=0.1)
