# SPDX-License-Identifier: Apache-2.0
"""An arm as its driver offers it: joint states, and the topics of its trajectory controllers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Duration
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from afformer_core.errors import AfformerError
from afformer_core.messages.stamps import stamp_nanoseconds

# Seconds of the robot's time that a trajectory may take longer than planned.
_SETTLING = 1.0
# Radians, or metres, in so many seconds: less is no motion.
_STILL, _STILL_SECONDS = 0.002, 0.1
# Radians per second of a joint.
_FASTEST = 1.2
# Radians, or metres, by which a joint may be away from where it was sent.
_ARRIVED = 0.004
# Seconds on the wall without a joint state.
_PATIENCE = 10.0


class ArmError(AfformerError):
    """An arm that does not answer."""


class ArmClient:
    """Sends an arm along joint positions, and waits until it is there or does not go on.

    Callbacks of the node must run in another thread.

    Args:
        node: node with the subscription and the publishers.
        joints: names of the arm's joints, in the order of all joint positions here.
        gripper: name of the gripper's joint.
        finished: event that ends every wait with an `ArmError`.
    """

    def __init__(
        self, node: Node, joints: Sequence[str], gripper: str, finished: threading.Event
    ) -> None:
        self._joints = tuple(joints)
        self._gripper = gripper
        self._finished = finished
        self._arrived = threading.Condition()
        self._state: JointState | None = None
        node.create_subscription(JointState, 'joint_states', self._take, qos_profile_sensor_data)
        self._arm = node.create_publisher(JointTrajectory, 'arm_controller/joint_trajectory', 1)
        self._hand = node.create_publisher(
            JointTrajectory, 'gripper_controller/joint_trajectory', 1
        )

    def positions(self) -> NDArray[np.float64]:
        """Return the present joint positions of the arm [N], radians.

        Raises:
            ArmError: no joint state arrives.
        """
        return self._values(self._next_state(), self._joints)

    def follow(self, path: Sequence[NDArray[np.float64]], seconds: float) -> None:
        """Go along joint positions at even times; return when the arm is there, or has settled.

        Args:
            path: joint positions [N], radians, at least one.
            seconds: time for all of it; it takes longer where a joint would be too fast.

        Raises:
            ArmError: the driver is not there, or no joint state arrives.
        """
        ways = np.abs(np.diff([self.positions(), *path], axis=0)).max()
        seconds = max(seconds, len(path) * float(ways) / _FASTEST)
        times = np.linspace(0, seconds, len(path) + 1)[1:]
        self._send(self._arm, self._joints, path, times)
        self._wait(self._joints, path[-1], seconds)

    def grip(self, width: float, seconds: float = 0.5) -> None:
        """Bring the gripper's joint to a position, metres; return when it is there or settled.

        Raises:
            ArmError: the driver is not there, or no joint state arrives.
        """
        target = np.array([width])
        self._send(self._hand, (self._gripper,), [target], np.array([seconds]))
        self._wait((self._gripper,), target, seconds)

    def wait(self, seconds: float) -> None:
        """Wait for seconds of the robot's time."""
        begin = self._time(self._next_state())
        while self._time(self._next_state()) - begin < seconds:
            pass

    def _wait(self, joints: Sequence[str], target: NDArray[np.float64], seconds: float) -> None:
        begin = before = self._time(self._next_state())
        earlier = np.full(len(joints), np.inf)
        while True:
            state = self._next_state()
            now, values = self._time(state), self._values(state, joints)
            if now - begin >= seconds and np.abs(values - target).max() < _ARRIVED:
                return
            if now - before < _STILL_SECONDS:
                continue
            still = np.abs(values - earlier).max() < _STILL
            if now - begin >= seconds + (_STILL_SECONDS if still else _SETTLING):
                return
            before, earlier = now, values

    def _send(
        self,
        publisher: Publisher[JointTrajectory],
        joints: Sequence[str],
        path: Sequence[NDArray[np.float64]],
        times: NDArray[np.float64],
    ) -> None:
        end = time.monotonic() + _PATIENCE
        while not publisher.get_subscription_count():
            if time.monotonic() > end or self._finished.is_set():
                raise ArmError(
                    f"nobody subscribes to {publisher.topic_name}; expected the arm's "
                    'controller. Start the driver of the arm'
                )
            time.sleep(0.02)
        message = JointTrajectory(joint_names=list(joints))
        for positions, at in zip(path, times.tolist(), strict=True):
            nanoseconds = round(at * 1e9)
            message.points.append(
                JointTrajectoryPoint(
                    positions=positions.tolist(),
                    time_from_start=Duration(
                        sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9
                    ),
                )
            )
        publisher.publish(message)

    def _take(self, message: JointState) -> None:
        with self._arrived:
            self._state = message
            self._arrived.notify_all()

    def _next_state(self) -> JointState:
        end = time.monotonic() + _PATIENCE
        with self._arrived:
            before = self._state
            while self._state is before or self._state is None:
                self._arrived.wait(0.1)
                if self._finished.is_set():
                    raise ArmError('the planner was stopped')
                if time.monotonic() > end:
                    raise ArmError(
                        f'no joint state for {_PATIENCE:.0f} s; expected them on joint_states. '
                        'Start the driver of the arm'
                    )
            return self._state

    @staticmethod
    def _time(state: JointState) -> float:
        return stamp_nanoseconds(state.header.stamp) * 1e-9

    @staticmethod
    def _values(state: JointState, joints: Sequence[str]) -> NDArray[np.float64]:
        known = dict(zip(state.name, state.position, strict=True))
        missing = [name for name in joints if name not in known]
        if missing:
            raise ArmError(
                f'joint_states lacks {", ".join(missing)}; expected every joint of the arm. '
                'Set the names of the joints'
            )
        return np.array([known[name] for name in joints])
