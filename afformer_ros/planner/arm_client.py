# SPDX-License-Identifier: Apache-2.0
"""A client of an arm's driver: joint states, and the topics of its trajectory controllers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from afformer_ros.planner.joint_states import ArmError, JointStates, StoppedError
from afformer_ros.planner.waiting import TimeLimit, Waiting, duration_message

# Seconds of the robot's time by which a trajectory may exceed its planned duration.
_SETTLING = 1.0
# Radians or metres, and seconds: slower joints count as still.
_STILL, _STILL_SECONDS = 0.002, 0.1
# Maximum speed of a joint, radians per second.
_FASTEST = 1.2
# Maximum error of a joint, radians or metres.
_ARRIVED = 0.004
# Seconds for the controllers to appear, and to halt an arm.
_STARTING, _HALT = 10.0, 0.3
# Wall time for which the clock may stand still while an arm halts, seconds.
_STANDSTILL = 2.0
# Wall time for a trajectory to arrive, seconds.
_ARRIVAL = Duration(seconds=1.0)


class ArmClient:
    """A client that moves an arm along joint positions, and waits until it arrives or stops.

    Callbacks of the node must run in another thread.

    Args:
        node: node with the subscription and the publishers.
        joints: names of the arm's joints, in the order of all joint positions here.
        gripper: name of the gripper's joint.
        waiting: waits of the planner; if the planner is stopped, the arm is halted and an
            `ArmError` is raised.
    """

    def __init__(self, node: Node, joints: Sequence[str], gripper: str, waiting: Waiting) -> None:
        self._joints = tuple(joints)
        self._gripper = gripper
        self._waiting = waiting
        self._states = JointStates(node, waiting)
        self._target: NDArray[np.float64] | None = None
        self._arm = node.create_publisher(JointTrajectory, 'arm_controller/joint_trajectory', 1)
        self._hand = node.create_publisher(
            JointTrajectory, 'gripper_controller/joint_trajectory', 1
        )

    def positions(self) -> NDArray[np.float64]:
        """Return the current joint positions of the arm [N], radians.

        Raises:
            ArmError: no joint state arrives that is newer than this call.
        """
        return self._states.next(self._joints).of(self._joints)

    def gripper_position(self) -> float:
        """Return the current position of the gripper's joint, metres.

        Raises:
            ArmError: no joint state arrives that is newer than this call.
        """
        return float(self._states.next((self._gripper,)).of((self._gripper,))[0])

    def follow(self, path: Sequence[NDArray[np.float64]], seconds: float) -> None:
        """Move along joint positions at even times; return when the arm has arrived or settled.

        Args:
            path: joint positions [N], radians, at least one.
            seconds: time for the whole path, which is extended if a joint would be too fast.

        Raises:
            ArmError: the driver is missing, no joint state arrives, or a number is not finite.
        """
        begins = [self.positions()]
        if self._target is not None:
            # If the arm is blocked, its controller continues from the commanded position.
            begins.append(self._target)
        ways = max(float(np.abs(np.diff([begin, *path], axis=0)).max()) for begin in begins)
        seconds = max(seconds, len(path) * ways / _FASTEST)
        times = np.linspace(0, seconds, len(path) + 1)[1:]
        self._send(self._arm, self._joints, path, times)
        self._target = path[-1]
        try:
            self._wait(self._joints, path[-1], seconds)
        except StoppedError:
            self._halt()
            raise

    def grip(self, width: float, seconds: float = 0.5) -> None:
        """Move the gripper's joint to a position, metres; return when it has arrived or settled.

        Raises:
            ArmError: the driver is missing, or no joint state arrives.
        """
        target = np.array([width])
        self._send(self._hand, (self._gripper,), [target], np.array([seconds]))
        self._wait((self._gripper,), target, seconds)

    def wait(self, seconds: float) -> None:
        """Wait for seconds of both the robot's time and wall time, for messages to arrive."""
        limit = self._waiting.limit(seconds)
        passed, state = 0.0, self._states.next(self._joints)
        while passed < seconds or not limit.reason():
            before, state = state, self._states.next(self._joints)
            passed += state.seconds_after(before)

    def settle(self) -> bool:
        """Wait until a halted arm stands still, for `_SETTLING` seconds; return whether it does.

        It waits although the planner was stopped, and returns False if no joint state arrives.

        Raises:
            ArmError: a position is not finite.
        """
        limit = TimeLimit(self._waiting.now, _SETTLING, _STANDSTILL)
        # A controller takes its time to halt, however slowly the arm moves.
        halting = TimeLimit(self._waiting.now, _HALT, _STANDSTILL)
        before = self._states.newest(self._joints)
        while before is not None and not limit.reason():
            self._waiting.pause()
            state = self._states.newest(self._joints)
            if state is None or not halting.reason():
                before = state
            elif state.seconds_after(before) >= _STILL_SECONDS:
                if np.abs(state.of(self._joints) - before.of(self._joints)).max() < _STILL:
                    return True
                before = state
        return False

    def _wait(self, joints: Sequence[str], target: NDArray[np.float64], seconds: float) -> None:
        state = self._states.next(joints)
        passed = still_since = 0.0
        earlier = np.full(len(joints), np.inf)
        while True:
            before, state = state, self._states.next(joints)
            passed += state.seconds_after(before)
            values = state.of(joints)
            if passed >= seconds and np.abs(values - target).max() < _ARRIVED:
                return
            if passed - still_since < _STILL_SECONDS:
                continue
            still = np.abs(values - earlier).max() < _STILL
            if passed >= seconds + (_STILL_SECONDS if still else _SETTLING):
                return
            still_since, earlier = passed, values

    def _halt(self) -> None:
        """Command the arm to its current position."""
        state = self._states.newest(self._joints)
        if state is not None:
            self._send(self._arm, self._joints, [state.of(self._joints)], np.array([_HALT]))

    def _send(
        self,
        publisher: Publisher[JointTrajectory],
        joints: Sequence[str],
        path: Sequence[NDArray[np.float64]],
        times: NDArray[np.float64],
    ) -> None:
        if not np.isfinite(path).all():
            raise ArmError(f'{", ".join(joints)} would go to {path}; expected finite positions')
        reason = ''
        if not publisher.get_subscription_count():
            reason = self._waiting.until(publisher.get_subscription_count, _STARTING)
        if reason:
            raise ArmError(
                f"{publisher.topic_name} has no subscriber: {reason}; expected the arm's "
                'controller. Start the driver of the arm'
            )
        message = JointTrajectory(joint_names=list(joints))
        for positions, at in zip(path, times.tolist(), strict=True):
            message.points.append(
                JointTrajectoryPoint(
                    positions=positions.tolist(), time_from_start=duration_message(at)
                )
            )
        publisher.publish(message)
        # On a busy computer, it may arrive late; an arm that does not move yet is not blocked.
        publisher.wait_for_all_acked(_ARRIVAL)
