# SPDX-License-Identifier: Apache-2.0
"""The operator of elements: clients of the grounding node, the camera and the arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from afformer_core.changes.outcome import Expected, expected_after, shown_change
from afformer_core.manipulation.contact import ArmContact, BlockedError, Felt, UnreachableError
from afformer_ros.action import GroundDemonstration
from afformer_ros.client import GoalRefusedError, GroundingClient, NoAnswerError
from afformer_ros.planner.arm_client import ArmClient, ArmError, InterruptedArmError
from afformer_ros.planner.camera_client import BaseTransforms, CameraClient
from afformer_ros.planner.contacts import (
    NoPositionError,
    NotFoundError,
    NotSureError,
    UnsteadyError,
    check_sure,
    contacts_of,
    found_affordance,
)
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.planner.waiting import Waiting, duration_message

if TYPE_CHECKING:
    from afformer_ros.planner.camera_correction import CameraCorrection

# Seconds to return to the initial position, and for a camera_pose to appear.
_PARKING, _APPEARING = 3.0, 10.0
# Radians by which a parked arm may be off, and by which a halted one was moved by somebody.
_PARKED = 0.1
# Radius of the surroundings of a point: metres, and share of the image's width if the scale of the
# image is not known.
_SURROUNDINGS, _SURROUNDINGS_SHARE = 0.035, 0.05


class ElementOperator:
    """Eyes and hands of a planner; callbacks of its node must run in another thread.

    Args:
        node: node of the clients.
        settings: parameters of the planner; a dry run has neither camera nor arm.
        waiting: waits of the planner.

    Attributes:
        grounding: client of the grounding node.
        compliant: whether the arm gives way to what it touches.

    Raises:
        AfformerError: the model of the arm cannot be read.
    """

    def __init__(self, node: Node, settings: PlannerParameters, waiting: Waiting) -> None:
        self._logger = node.get_logger()
        self._settings = settings
        self.compliant = settings.compliant
        self.grounding = GroundingClient(node, until=waiting.until)
        self._transforms = BaseTransforms(
            node, waiting, settings.base_frame, settings.camera_frame
        )
        # Joint positions from which an interrupted action began, and at which it was halted.
        self._home: NDArray[np.float64] | None = None
        self._halted: NDArray[np.float64] | None = None
        self._correction: CameraCorrection | None = None
        if not settings.dry_run:
            self._camera = CameraClient(node, waiting)
            joints, gripper = settings.joints, settings.gripper_joint
            self._arm = ArmClient(node, joints, gripper, waiting, settings.feedback_timeout)
            self._open_arm()

    def find(self, demonstrations: Sequence[str], action: str) -> list[ArmContact]:
        """Ground demonstrations.

        Args:
            demonstrations: names; empty: the selection.
            action: name of the demonstrated action; empty: the parameter, or the action of the
                grounding node.

        Returns:
            points at which the arm may act, best first, at least one.

        Raises:
            NotFoundError: there is no point, or its scores are too low.
            NoAnswerError, GoalRefusedError: the grounding node does not answer, or refuses.
            UnknownActionError: the arm has no skill for the action of the model.
            InterruptedArmError: the arm stands where an action was interrupted.
        """
        if self._is_interrupted():
            raise InterruptedArmError(
                'the arm stands where an action was interrupted. Call ~/retract, or move the arm '
                'yourself'
            )
        settings = self._settings
        self.grounding.wait_until_active()
        goal = GroundDemonstration.Goal(
            demonstrations=list(demonstrations),
            agreeing_images=settings.agreeing_images,
            minimum_presence=settings.minimum_presence,
            action=action or settings.action,
            # If it is empty, positions are in the frame that is configured in the grounding node.
            target_frame=self._transforms.target_frame(0.0 if settings.dry_run else _APPEARING),
            position_required=True,
            maximum_age=duration_message(settings.maximum_image_age),
        )
        try:
            answer = self.grounding.ground(goal, settings.timeout)
            affordance = found_affordance(answer, goal.agreeing_images)
            check_sure(affordance, settings.presence_margin)
        except (NoPositionError, NotSureError, UnsteadyError):
            raise
        except NotFoundError as error:
            advice = self.grounding.marking_advice(next(iter(demonstrations), ''))
            raise type(error)(f'{error}. {advice}') from None
        to_base, camera = self._transforms.of(affordance)
        return contacts_of(affordance, to_base, camera, settings.minimum_score)

    def radius(self, contact: ArmContact) -> float:
        """Return the radius of the surroundings of a point in the image, in pixels."""
        focal_length = self._camera.focal_length
        if contact.camera is None or focal_length is None:
            return _SURROUNDINGS_SHARE * self._camera.width
        distance = float(np.linalg.norm(contact.point - contact.camera))
        return focal_length * _SURROUNDINGS / distance

    def expected(self, demonstrations: Sequence[str], action: str) -> tuple[Expected, str]:
        """Find what is different after demonstrations, by the frames of the first one."""
        name = demonstrations[0] if demonstrations else ''
        try:
            first, last = (self.grounding.frame(name, last=last) for last in (False, True))
        except (NoAnswerError, GoalRefusedError) as error:
            return expected_after(action), f'as after every {action}: {error}'
        return shown_change(first, last, action)

    def images(self, count: int) -> list[NDArray[np.uint8]]:
        """Take images of the camera from now on, uint8 RGB [H, W, 3].

        Raises:
            NoAnswerError: too few arrive.
        """
        return self._camera.images(count)

    def act(self, contact: ArmContact) -> Felt:
        """Act at a point, and return to the initial position.

        Raises:
            UnreachableError: the arm cannot reach it.
            BlockedError: the arm was stopped on the way.
            ArmError: the arm does not answer.
        """
        correction = self._correction
        seen = correction is not None and correction.begin()
        self._home = parked = self._arm.positions()
        self._halted = None
        try:
            felt = self._skills.act(contact, correction.shift if correction and seen else None)
        except BlockedError:
            # Straight in joint space, the arm might sweep what stopped it.
            self._skills.retreat()
            self._park(parked)
            raise
        except UnreachableError:
            # It has not moved.
            self._home = None
            raise
        self._park(parked)
        at = self._arm.positions()
        if _is_at(at, parked):
            return felt
        away = float(np.abs(at - parked).max())
        text = f'{felt}, the arm did not get back to where it began, by {away:.2f} rad'
        return replace(felt, text=text, returned=False)

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
        self._arm.follow([home], _PARKING)
        self._home = None

    def _open_arm(self) -> None:
        """Open the model of the arm, for its skills and for the correction of the camera."""
        # Only a planner with an arm needs MuJoCo and mink.
        from afformer_core.manipulation.arm_surface import ArmSurface
        from afformer_core.manipulation.kinematics import TipKinematics
        from afformer_core.manipulation.skills import Skills
        from afformer_ros.planner.arm_model import open_arm_model
        from afformer_ros.planner.camera_correction import CameraCorrection

        settings = self._settings
        model = open_arm_model(settings.arm_model)
        kinematics = TipKinematics(model, settings.joints, settings.tip_site)
        self._skills = Skills(self._arm, kinematics, settings.distance)
        if settings.correct_camera_pose:
            self._correction = CameraCorrection(
                self._camera,
                self._transforms,
                self._arm,
                ArmSurface(model, settings.joints, settings.gripper_joint),
                kinematics,
                settings.camera_frame,
                self._logger.info,
            )


def _is_at(positions: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    return float(np.abs(positions - others).max()) <= _PARKED
