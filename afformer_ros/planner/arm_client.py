# SPDX-License-Identifier: Apache-2.0
"""A client of an arm's driver: an arm that follows motions, and a gripper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from afformer_core.manipulation.arm import ArmReading, Guard
from afformer_core.manipulation.joint_motion import JointMotion
from afformer_ros.planner.joint_states import ArmError, ArmState, JointStates, StoppedError
from afformer_ros.planner.trajectory_controllers import (
    HALT_SECONDS,
    STANDSTILL,
    STROKE_SECONDS,
    ArmController,
    Controller,
    ControllerError,
    GripperController,
    arm_controllers,
    choose,
    gripper_controllers,
)
from afformer_ros.planner.waiting import TimeLimit, Waiting

# Seconds of the robot's time by which an arm, and a gripper, may exceed its planned duration.
_SETTLING, _GRIPPING = 1.0, 5.0
# Radians or metres, and seconds: slower joints count as still.
_STILL, _STILL_SECONDS = 0.002, 0.1
# Maximum error of a joint, radians or metres.
_ARRIVED = 0.004
# Maximum distance of a joint from the begin of a motion, radians.
_JUMP = 0.05
# Maximum distance in radians from where an arm is to where its controller holds it, for a motion
# to continue from there; farther, something has moved the arm.
_HELD = 0.1
# Seconds before a motion in which its controller goes to its begin, at least, and from a command
# that is not known; and radians per second.
_LEAD, _UNKNOWN_LEAD, _LEAD_SPEED = 0.02, 0.2, 0.5


class ArmClient:
    """A client that moves an arm along motions, and waits until it arrives or stops; an `Arm`.

    Callbacks of the node must run in another thread.

    Args:
        node: node with the subscriptions, publishers and clients of actions.
        joints: names of the arm's joints, in the order of all joint positions here.
        gripper: name of the gripper's joint.
        waiting: waits of the planner; if the planner is stopped, the arm is halted and a
            `StoppedError` is raised.
        feedback_timeout: seconds without joint states after which a moving arm is halted.
        efforts_known: whether the efforts of joint states are those beyond the weight of the arm;
            otherwise, readings have none.
    """

    def __init__(
        self,
        node: Node,
        joints: Sequence[str],
        gripper: str,
        waiting: Waiting,
        feedback_timeout: float = 0.3,
        *,
        efforts_known: bool = False,
    ) -> None:
        self._feedback_timeout = feedback_timeout
        self._joints = tuple(joints)
        self._gripper = gripper
        self._waiting = waiting
        self._states = JointStates(node, waiting, feedback_timeout, efforts_known=efforts_known)
        self._arms = arm_controllers(node, joints, waiting)
        self._hands = gripper_controllers(node, gripper, waiting)
        # Where the controller of the arm holds it; None if that is not known.
        self._commanded: NDArray[np.float64] | None = None

    def silent_for(self) -> float | None:
        """Return the age of the arm's newest joint state in seconds; None: there is none."""
        state = self._states.newest(self._joints)
        return None if state is None else (self._waiting.now() - state.stamp) * 1e-9

    def controllers(self) -> list[dict[str, bool]]:
        """Return whether the possible controllers of arm and gripper are there, by name."""
        return [
            {controller.name: controller.found() for controller in controllers}
            for controllers in (self._arms, self._hands)
        ]

    def reading(self) -> ArmReading:
        """Return what the arm measures now.

        Raises:
            ArmError: no joint state arrives that is newer than this call, a number is not finite,
                or the sensor of the force is silent.
        """
        return self._states.reading(self._states.next(self._joints), self._joints)

    def positions(self) -> NDArray[np.float64]:
        """Return the current joint positions of the arm [N], radians; see `reading`."""
        return self._states.next(self._joints).of(self._joints)

    def gripper_position(self) -> float:
        """Return the current position of the gripper's joint; see `reading`."""
        return float(self._states.next((self._gripper,)).of((self._gripper,))[0])

    def follow(self, motion: JointMotion, guard: Guard | None = None) -> bool:
        """Follow a motion; return when the arm has arrived, settled or was halted.

        Args:
            motion: motion from where the arm is.
            guard: called with each reading; True halts the arm where it is.

        Returns:
            whether the arm has followed to the end; False if the guard has halted it.

        Raises:
            ControllerError: the controller rejects or ends the motion; it holds the arm.
            StoppedError: the planner was stopped; the arm is halted.
            ArmError: the driver is missing, the motion begins elsewhere, or no joint state or
                force arrives; the arm is halted.
        """
        motion, delay = self._begun(motion, self.positions())
        self._arm.start(motion, delay)
        self._commanded, sent = motion.end, self._waiting.now()
        try:
            seconds = delay + motion.duration
            if self._watch(self._arm, self._joints, motion.end, seconds, guard):
                return True
        except ControllerError:
            self._commanded = None
            raise
        except StoppedError:
            self._halt_here()
            raise
        except ArmError as error:
            # Where it is by its trajectory: the last state is where it has been.
            self._halt(motion.at((self._waiting.now() - sent) * 1e-9 - delay))
            raise ArmError(f'the arm was halted on its way: {error}') from None
        except BaseException:
            self._halt_here()
            raise
        if self.settle() is None:
            raise ArmError(
                f'the arm moves on {_SETTLING:g} s after it was halted; expected it to stand '
                f'still. Check the driver of {self._arm.name}'
            )
        return False

    def grip(self, position: float, effort: float) -> float:
        """Move the gripper's joint; return the position at which it came to rest.

        Args:
            position: target, in the units of the joint.
            effort: maximum effort, in the units of the driver; 0: the driver's own maximum.

        Raises:
            ControllerError: the controller rejects the command, or another node cancels it.
            ArmError: the driver is missing, or no joint state arrives.
        """
        self._hand.start(position, effort)
        self._watch(self._hand, (self._gripper,), np.array([position]), STROKE_SECONDS)
        return self.gripper_position()

    def wait(self, seconds: float) -> None:
        """Wait for seconds of both the robot's time and wall time, for messages to arrive."""
        limit = self._waiting.limit(seconds)
        for passed, _ in self._moments(self._joints, None):
            if passed >= seconds and limit.reason():
                return

    def settle(self) -> NDArray[np.float64] | None:
        """Wait until a halted arm stands still, for `_SETTLING` seconds; return where it stands.

        It waits although the planner was stopped, and returns None if the arm still moves or no
        joint state arrives.

        Raises:
            ArmError: a position is not finite.
        """
        limit = TimeLimit(self._waiting.now, _SETTLING, STANDSTILL)
        # A controller takes its time to halt, however slowly the arm moves.
        halting = TimeLimit(self._waiting.now, HALT_SECONDS, STANDSTILL)
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

    @cached_property
    def _arm(self) -> ArmController:
        return choose(self._arms, self._waiting)

    @cached_property
    def _hand(self) -> GripperController:
        return choose(self._hands, self._waiting)

    def _begun(self, motion: JointMotion, at: NDArray[np.float64]) -> tuple[JointMotion, float]:
        """Return a motion for the controller, and the seconds in which it goes to its begin."""
        away = float(np.abs(motion.positions[0] - at).max())
        if away > _JUMP:
            raise ArmError(
                f'the motion begins {away:.2f} rad from where the arm is; expected at most '
                f'{_JUMP:g} rad. Plan it from the current positions'
            )
        if self._commanded is None:
            return motion, _UNKNOWN_LEAD
        # What stops an arm keeps it from where it is held, and so does its own weight.
        lag = float(np.abs(self._commanded - motion.positions[0]).max())
        if lag <= _HELD:
            motion = motion.begun_at(self._commanded)
        return motion, max(_LEAD, lag / _LEAD_SPEED)

    def _watch(
        self,
        controller: Controller,
        joints: Sequence[str],
        target: NDArray[np.float64],
        seconds: float,
        guard: Guard | None = None,
    ) -> bool:
        """Wait until joints have arrived or settled; return False if the guard has halted them."""
        arm = joints == self._joints
        timeout, longest = (self._feedback_timeout, _SETTLING) if arm else (None, _GRIPPING)
        moments = self._moments(joints, timeout)
        still, still_since, earlier = False, 0.0, np.full(len(joints), np.inf)
        while True:
            passed, state = next(moments)
            values, late = state.of(joints), passed - seconds
            if guard is not None and guard(self._states.reading(state, joints)):
                self._halt(values)
                return False
            if passed - still_since >= _STILL_SECONDS:
                still = bool(np.abs(values - earlier).max() < _STILL)
                still_since, earlier = passed, values
            running = controller.running()
            if running:
                # Its speed may be scaled; and a blocked arm never gets within its tolerance.
                if still and late >= longest:
                    return True
            elif (
                running is not None
                and late >= 0
                and (
                    np.abs(values - target).max() < _ARRIVED
                    or (still and late >= _STILL_SECONDS)
                    or late >= longest
                )
            ):
                return True

    def _moments(
        self, joints: Sequence[str], timeout: float | None
    ) -> Iterator[tuple[float, ArmState]]:
        """Yield new states of joints, each with the robot's seconds since the first one."""
        passed, state = 0.0, self._states.next(joints, timeout)
        while True:
            yield passed, state
            before, state = state, self._states.next(joints, timeout)
            passed += state.seconds_after(before)

    def _halt_here(self) -> None:
        """Halt the arm where it was last seen."""
        state = self._states.newest(self._joints)
        if state is not None:
            self._halt(state.of(self._joints))

    def _halt(self, positions: NDArray[np.float64]) -> None:
        self._arm.halt(positions)
        self._commanded = None
