# SPDX-License-Identifier: Apache-2.0
"""Measurements of an arm: its joint states, and the force at its wrist."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import WrenchStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

from afformer_core.errors import AfformerError
from afformer_core.manipulation.arm import ArmReading
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.planner.waiting import TimeLimit, Waiting

# Maximum seconds without a new joint state.
_PATIENCE = 10.0
# Seconds by which a stamp may be ahead of the node's clock, which lags behind a fast simulation.
_AHEAD = 5.0
# Maximum seconds that count between two joint states, because stamps may jump.
_LONGEST_STEP = 0.25
# Wall time between two checks of the time limit, seconds.
_POLL = 0.05


class ArmError(AfformerError):
    """Raised if an arm does not answer, or a position is invalid."""


class StoppedError(ArmError):
    """Raised if the planner or its goal is stopped while its arm moves."""


@dataclass(frozen=True)
class ArmState:
    """Joint positions and efforts at one time.

    Attributes:
        number: number of messages that had arrived.
        stamp: time of the robot in nanoseconds.
        known: positions by the names of their joints.
        felt: efforts by the names of their joints; empty if the driver publishes none.
    """

    number: int
    stamp: int
    known: dict[str, float]
    felt: dict[str, float]

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

    def efforts(self, joints: Sequence[str]) -> NDArray[np.float64] | None:
        """Return the efforts of some joints; None unless each one has a finite effort."""
        values = np.array([self.felt.get(name, np.nan) for name in joints], np.float64)
        return values if np.isfinite(values).all() else None

    def seconds_after(self, before: ArmState) -> float:
        """Return the seconds since an earlier state, without jumps of the stamps."""
        return min(max(0.0, (self.stamp - before.stamp) * 1e-9), _LONGEST_STEP)


class JointStates:
    """The newest joint states on the topic `joint_states`, and the newest force on `wrench`.

    Joint states may come from one driver or from several.

    Args:
        node: node with the subscriptions; it must be spun by another thread.
        waiting: waits of the planner.
        feedback_timeout: seconds after which a force is outdated.
        efforts_known: whether efforts are those beyond the weight of the arm, which readings need.
    """

    def __init__(
        self, node: Node, waiting: Waiting, feedback_timeout: float, *, efforts_known: bool
    ) -> None:
        self._waiting = waiting
        self._efforts_known = efforts_known
        self._feedback_timeout = feedback_timeout
        self._arrived = threading.Condition()
        self._count = 0
        # By the names of their joints, because the arm and its gripper may have separate drivers.
        self._states: dict[tuple[str, ...], ArmState] = {}
        # The newest force, and the limit after which it is outdated.
        self._force: tuple[NDArray[np.float64], TimeLimit] | None = None
        node.create_subscription(JointState, 'joint_states', self._take, qos_profile_sensor_data)
        node.create_subscription(
            WrenchStamped, 'wrench', self._take_wrench, qos_profile_sensor_data
        )

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

    def reading(self, state: ArmState, joints: Sequence[str]) -> ArmReading:
        """Return what an arm of some joints measures: a state of it, and the newest force.

        Raises:
            ArmError: a number is not finite, or the force is outdated.
        """
        efforts = state.efforts(joints) if self._efforts_known else None
        return ArmReading(state.stamp * 1e-9, state.of(joints), efforts, self._newest_force())

    def _newest_force(self) -> NDArray[np.float64] | None:
        if self._force is None:
            return None
        force, limit = self._force
        # A dead sensor must not let the arm push on.
        if reason := limit.reason():
            raise ArmError(
                f'wrench is silent: {reason}; expected forces as long as the arm is used. Check '
                'the driver of the force sensor'
            )
        if not np.isfinite(force).all():
            raise ArmError(
                f'wrench has the force {force.tolist()}; expected finite numbers. Check the '
                'driver of the force sensor'
            )
        return force

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
        felt = dict(zip(message.name, message.effort, strict=False))
        stamp = stamp_nanoseconds(message.header.stamp)
        with self._arrived:
            self._count += 1
            self._states[tuple(known)] = ArmState(self._count, stamp, known, felt)
            self._arrived.notify_all()

    def _take_wrench(self, message: WrenchStamped) -> None:
        force = message.wrench.force
        limit = self._waiting.limit(self._feedback_timeout)
        self._force = np.array([force.x, force.y, force.z]), limit
