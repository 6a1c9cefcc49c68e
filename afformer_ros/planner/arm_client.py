# SPDX-License-Identifier: Apache-2.0
"""A client of an arm's driver: joint states, and the topics of its trajectory controllers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from afformer_core.errors import AfformerError
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.planner.waiting import TimeLimit, Waiting, duration_message

# Maximum seconds without a new joint state.
_PATIENCE = 10.0
# Seconds by which a stamp may be ahead of the node's clock, which lags behind a fast simulation.
_AHEAD = 5.0
# Maximum seconds that count between two joint states, because stamps may jump.
_LONGEST_STEP = 0.25
# Wall time between two checks of the time limit, seconds.
_POLL = 0.05
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


class ArmError(AfformerError):
    """Raised if an arm does not answer, or a position is invalid."""


class InterruptedArmError(ArmError):
    """Raised if an arm stands where an action was interrupted."""


class StoppedError(ArmError):
    """Raised if the planner or its goal is stopped while its arm moves."""


@dataclass(frozen=True)
class ArmState:
    """Joint positions at one time.

    Attributes:
        number: number of messages that had arrived.
        stamp: time of the robot in nanoseconds.
        known: positions by the names of their joints.
    """

    number: int
    stamp: int
    known: dict[str, float]

    def of(self, joints: Sequence[str]) -> NDArray[np.float64]:
        """Return the positions of some joints.

        Raises:
            ArmError: one of them is not finite.
        """
        values = np.array([self.known[name] for name in joints], np.float64)
        if not np.isfinite(values).all():
            raise ArmError(
                f'joint_states has {", ".join(joints)} at {values.tolist()}; expected finite '
                'positions. Check the driver of the arm'
            )
        return values

    def seconds_after(self, before: ArmState) -> float:
        """Return the seconds since an earlier state, without jumps of the stamps."""
        return min(max(0.0, (self.stamp - before.stamp) * 1e-9), _LONGEST_STEP)


class JointStates:
    """The newest joint states on the topic `joint_states`, of one driver or of several.

    Args:
        node: node with the subscription; it must be spun by another thread.
        waiting: waits of the planner.
    """

    def __init__(self, node: Node, waiting: Waiting) -> None:
        self._waiting = waiting
        self._arrived = threading.Condition()
        self._count = 0
        # By the names of their joints, because the arm and its gripper may have separate drivers.
        self._states: dict[tuple[str, ...], ArmState] = {}
        node.create_subscription(JointState, 'joint_states', self._take, qos_profile_sensor_data)

    def newest(self, joints: Sequence[str]) -> ArmState | None:
        """Return the latest state of some joints; None if there is none."""
        with self._arrived:
            states = [
                state for state in self._states.values() if state.known.keys() >= set(joints)
            ]
        return max(states, key=lambda state: state.number, default=None)

    def next(self, joints: Sequence[str], seconds: float | None = None) -> ArmState:
        """Wait for a state of some joints that arrives and was measured after this call.

        Args:
            joints: names of the joints.
            seconds: time limit; None: that of an arm at rest, 10 s.

        Raises:
            StoppedError: the planner was stopped.
            ArmError: there is none.
        """
        asked = self._waiting.now()
        limit = self._waiting.limit(_PATIENCE if seconds is None else seconds)
        begin = seen = self._count
        while True:
            with self._arrived:
                if self._count == seen:
                    self._arrived.wait(_POLL)
                seen = self._count
            state = self.newest(joints)
            if stop := self._waiting.why_stopped:
                raise StoppedError(stop)
            if state is not None and state.number > begin and self._is_new(state, asked):
                return state
            if reason := limit.reason():
                raise ArmError(self._why_none(joints, begin, reason))

    def _is_new(self, state: ArmState, asked: int) -> bool:
        # A restarted simulation sets the clock back.
        now = self._waiting.now()
        return min(asked, now) <= state.stamp <= now + _AHEAD * 1e9

    def _why_none(self, joints: Sequence[str], begin: int, reason: str) -> str:
        if self._count == begin:
            return (
                f'no joint state: {reason}; expected them on joint_states. Start the driver of '
                'the arm'
            )
        newest = self.newest(joints)
        if newest is None:
            known = {name for names in self._states for name in names}
            lacking = ', '.join(joint for joint in joints if joint not in known)
            return (
                f'joint_states lacks {lacking}: '
                f'{reason}; expected every joint in one message. Set the names of the joints'
            )
        late = (self._waiting.now() - newest.stamp) * 1e-9
        return (
            f'joint_states are stamped {abs(late):.1f} s {"before" if late > 0 else "after"} the '
            f"planner's clock: {reason}; expected joint states that are newer than the request "
            'of the planner. Set use_sim_time like the driver of the arm, and synchronize the '
            'clocks of both machines'
        )

    def _take(self, message: JointState) -> None:
        known = dict(zip(message.name, message.position, strict=False))
        stamp = stamp_nanoseconds(message.header.stamp)
        with self._arrived:
            self._count += 1
            self._states[tuple(known)] = ArmState(self._count, stamp, known)
            self._arrived.notify_all()


class ArmClient:
    """A client that moves an arm along joint positions, and waits until it arrives or stops.

    Callbacks of the node must run in another thread.

    Args:
        node: node with the subscription and the publishers.
        joints: names of the arm's joints, in the order of all joint positions here.
        gripper: name of the gripper's joint.
        waiting: waits of the planner; if the planner is stopped, the arm is halted and an
            `ArmError` is raised.
        feedback_timeout: seconds without joint states after which a moving arm is halted.
    """

    def __init__(
        self,
        node: Node,
        joints: Sequence[str],
        gripper: str,
        waiting: Waiting,
        feedback_timeout: float = 0.3,
    ) -> None:
        self._feedback_timeout = feedback_timeout
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
            ArmError: the driver is missing, no joint state arrives, or a number is not finite;
                the arm is halted.
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
        sent = self._waiting.now()
        try:
            self._wait(self._joints, path[-1], seconds, self._feedback_timeout)
        except StoppedError:
            state = self._states.newest(self._joints)
            if state is not None:
                self._halt(state.of(self._joints))
            raise
        except ArmError as error:
            # Where it is by its trajectory: the last state is where it has been.
            way, passed = np.array([begins[0], *path]), (self._waiting.now() - sent) * 1e-9
            self._halt(np.array([np.interp(passed, [0.0, *times], joint) for joint in way.T]))
            raise ArmError(f'the arm was halted on its way: {error}') from None

    def grip(self, width: float, seconds: float = 0.5) -> None:
        """Move the gripper's joint to a position, metres; return when it has arrived or settled.

        Raises:
            ArmError: the driver is missing, or no joint state arrives.
        """
        target = np.array([width])
        self._send(self._hand, (self._gripper,), [target], np.array([seconds]))
        self._wait((self._gripper,), target, seconds, None)

    def wait(self, seconds: float) -> None:
        """Wait for seconds of both the robot's time and wall time, for messages to arrive."""
        limit = self._waiting.limit(seconds)
        passed, state = 0.0, self._states.next(self._joints)
        while passed < seconds or not limit.reason():
            before, state = state, self._states.next(self._joints)
            passed += state.seconds_after(before)

    def settle(self) -> NDArray[np.float64] | None:
        """Wait until a halted arm stands still, for `_SETTLING` seconds; return where it stands.

        It waits although the planner was stopped, and returns None if the arm still moves or no
        joint state arrives.

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
                positions = state.of(self._joints)
                if np.abs(positions - before.of(self._joints)).max() < _STILL:
                    return positions
                before = state
        return None

    def _wait(
        self,
        joints: Sequence[str],
        target: NDArray[np.float64],
        seconds: float,
        feedback_timeout: float | None,
    ) -> None:
        state = self._states.next(joints, feedback_timeout)
        passed = still_since = 0.0
        earlier = np.full(len(joints), np.inf)
        while True:
            before, state = state, self._states.next(joints, feedback_timeout)
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

    def _halt(self, positions: NDArray[np.float64]) -> None:
        """Command the arm to where it is."""
        self._send(self._arm, self._joints, [positions], np.array([_HALT]))

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
