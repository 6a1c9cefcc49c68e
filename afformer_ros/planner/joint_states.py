# SPDX-License-Identifier: Apache-2.0
"""Joint states of an arm that are newer than the request for them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

from afformer_core.errors import AfformerError
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.planner.waiting import Waiting

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

    def next(self, joints: Sequence[str]) -> ArmState:
        """Wait for a state of some joints that arrives and was measured after this call.

        Raises:
            StoppedError: the planner was stopped.
            ArmError: there is none.
        """
        asked = self._waiting.now()
        limit = self._waiting.limit(_PATIENCE)
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
