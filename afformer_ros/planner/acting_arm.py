# SPDX-License-Identifier: Apache-2.0
"""The arm of a planner: it acts and returns, or stands where it was halted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rclpy.impl.rcutils_logger import RcutilsLogger

from afformer_core.manipulation.clearance import ArmClearance
from afformer_core.manipulation.contact import ArmContact, BlockedError, Felt, UnreachableError
from afformer_core.manipulation.joint_motion import JointLimits
from afformer_core.manipulation.kinematics import TipKinematics
from afformer_core.manipulation.skills import Skills
from afformer_core.manipulation.tip_motion import MotionSettings
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.depth_view import DepthView
from afformer_ros.planner.joint_states import ArmError
from afformer_ros.planner.parameters import PlannerParameters

# Radians by which a parked arm may be off, and by which a halted one was moved by somebody.
_PARKED = 0.1
_INTERRUPTED = (
    'the arm stands where an action was interrupted. Call ~/retract, or move the arm yourself'
)
_HOLDING = 'the gripper holds a part. Call ~/release where it may open'


class OccupiedArmError(ArmError):
    """Raised if an arm stands where an action was interrupted, or holds a part."""


class ActingArm:
    """An arm that acts, and returns to where it was.

    Args:
        arm: client of the arm.
        kinematics: its kinematics.
        settings: parameters of the planner.
        view: what the depth camera sees.
        clearance: what the arm keeps clear of.
        logger: logger of the node.
    """

    def __init__(
        self,
        arm: ArmClient,
        kinematics: TipKinematics,
        settings: PlannerParameters,
        view: DepthView,
        clearance: ArmClearance,
        logger: RcutilsLogger,
    ) -> None:
        self._arm = arm
        self._kinematics = kinematics
        self._view, self._clearance = view, clearance
        self._logger = logger
        # Joint positions from which an interrupted action began, and at which it was halted.
        self._home: NDArray[np.float64] | None = None
        self._halted: NDArray[np.float64] | None = None
        # Position of the gripper that holds a part.
        self._held_at: float | None = None
        self.use(settings)

    @property
    def driver(self) -> ArmClient:
        """The client of the arm."""
        return self._arm

    @property
    def occupation(self) -> str:
        """Why the arm begins no action, as of its last motion; empty if it may."""
        if self._home is not None and self._halted is not None:
            return _INTERRUPTED
        return '' if self._held_at is None else _HOLDING

    def use(self, settings: PlannerParameters) -> None:
        """Use the speeds, forces and the gripper of other parameters from now on."""
        self._gripper = settings.gripper
        self._skills = Skills(
            self._arm,
            self._kinematics,
            motion_settings(settings),
            settings.gripper,
            settings.distance,
            self._clearance,
        )
        self._corrects = settings.correct_camera_pose

    def check_free(self) -> None:
        """Check that the arm may begin an action.

        Raises:
            OccupiedArmError: it stands where an action was interrupted, or holds a part.
        """
        if self._is_interrupted():
            raise OccupiedArmError(_INTERRUPTED)
        if self._still_holds():
            raise OccupiedArmError(_HOLDING)

    def act(self, contact: ArmContact) -> Felt:
        """Act at a point, and return to the initial position.

        Raises:
            UnreachableError: the arm cannot reach it.
            BlockedError: the arm was stopped on the way.
            ArmError: the arm does not answer.
        """
        seen = self._view.begin()
        self._home = parked = self._arm.positions()
        self._halted = None
        try:
            felt = self._skills.act(contact, self._view.shift if seen and self._corrects else None)
        except BlockedError:
            # Straight in joint space, the arm might sweep what stopped it.
            self._skills.retreat()
            with suppress(BlockedError):
                self._park(parked)
            raise
        except UnreachableError:
            # It has not moved.
            self._home = None
            raise
        if felt.held and contact.action == 'pick up':
            self._held_at = self._arm.gripper_position()
        try:
            self._park(parked)
        except BlockedError as error:
            text = f'{felt}, the arm did not get back to where it began: {error}'
            return replace(felt, text=text, returned=False)
        if self._held_at is not None and not self._still_holds():
            return replace(felt, text=f'{felt}, and lost on the way back', held=False)
        return felt

    def come_to_rest(self) -> None:
        """Wait until an interrupted arm stands still."""
        if self._home is None:
            return
        try:
            self._halted = self._arm.settle()
            reason = '' if self._halted is not None else 'it does not come to rest'
        except ArmError as error:
            reason = str(error)
        if reason:
            self._logger.warning(f'the arm may still move: {reason}')

    def retract(self) -> str:
        """Open the gripper of an interrupted arm, and move it back to where the action began.

        Returns:
            what the arm did, for a person.

        Raises:
            BlockedError: the arm was stopped on the way.
            ArmError: the arm does not answer.
        """
        if self._home is None or not self._is_interrupted():
            return 'the arm does not stand where an action was interrupted; it stays'
        self._skills.retreat()
        self._park(self._home)
        return 'the arm is back where the interrupted action began'

    def release(self) -> str:
        """Open the gripper where the arm stands; return what it did, for a person.

        Raises:
            ArmError: the arm does not answer.
        """
        self._skills.release()
        self._held_at = None
        return 'the gripper is open'

    def _still_holds(self) -> bool:
        """Check whether the gripper is as when it picked a part up; somebody may have taken it."""
        if self._held_at is not None and not self._gripper.are_near(
            self._held_at, self._arm.gripper_position()
        ):
            self._held_at = None
        return self._held_at is not None

    def _is_interrupted(self) -> bool:
        """Check whether the arm stands where it was halted; forget the action if it does not."""
        if self._home is not None:
            at = self._arm.positions()
            moved = self._halted is not None and not _is_at(at, self._halted)
            if moved or _is_at(at, self._home):
                self._home = None
        return self._home is not None

    def _park(self, home: NDArray[np.float64]) -> None:
        """Move back to where the action began."""
        self._skills.park(home)
        self._home = None


def motion_settings(settings: PlannerParameters) -> MotionSettings:
    """Return the limits of motions, with all speeds scaled."""
    count, scale = len(settings.joints), settings.speed_scale
    velocities, accelerations, jerks = (
        np.broadcast_to(np.array(values, np.float64), count)
        for values in (
            settings.joint_velocities,
            settings.joint_accelerations,
            settings.joint_jerks,
        )
    )
    return MotionSettings(
        JointLimits(scale * velocities, accelerations, jerks),
        scale * settings.tip_speed,
        scale * settings.contact_speed,
        settings.contact_force,
        settings.maximum_force,
    )


def _is_at(positions: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    return float(np.abs(positions - others).max()) <= _PARKED
