# SPDX-License-Identifier: Apache-2.0
"""The operator of elements: clients of the grounding node, the camera and the arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from afformer_core.changes.outcome import Expected, expected_after, shown_change
from afformer_core.manipulation.contact import ArmContact
from afformer_ros.action import GroundDemonstration
from afformer_ros.client import GoalRefusedError, GroundingClient, NoAnswerError
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
    from afformer_ros.planner.acting_arm import ActingArm

# Seconds for a camera_pose to appear.
_APPEARING = 10.0
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
        arm: the arm; there is none in a dry run.

    Raises:
        AfformerError: the model of the arm cannot be read.
    """

    def __init__(self, node: Node, settings: PlannerParameters, waiting: Waiting) -> None:
        self._settings = settings
        self.compliant = settings.compliant
        self.grounding = GroundingClient(node, until=waiting.until)
        self._transforms = BaseTransforms(
            node, waiting, settings.base_frame, settings.camera_frame
        )
        if not settings.dry_run:
            self._camera = CameraClient(node, waiting)
            self.arm = self._open_arm(node, waiting)

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
            OccupiedArmError: the arm stands where an action was interrupted, or holds a part.
        """
        settings = self._settings
        if not settings.dry_run:
            self.arm.check_free()
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

    def _open_arm(self, node: Node, waiting: Waiting) -> ActingArm:
        """Open the model of the arm, for its skills and for the view of the depth camera."""
        # Only a planner with an arm needs MuJoCo, mink and Ruckig.
        from afformer_core.manipulation.arm_surface import ArmSurface
        from afformer_core.manipulation.clearance import ArmClearance
        from afformer_core.manipulation.kinematics import TipKinematics
        from afformer_ros.planner.acting_arm import ActingArm
        from afformer_ros.planner.arm_client import ArmClient
        from afformer_ros.planner.arm_model import open_arm_model
        from afformer_ros.planner.depth_view import DepthView

        settings, logger = self._settings, node.get_logger()
        arm = ArmClient(
            node,
            settings.joints,
            settings.gripper_joint,
            waiting,
            settings.feedback_timeout,
            efforts_known=settings.effort_without_gravity,
        )
        model = open_arm_model(settings.arm_model)
        kinematics = TipKinematics(model, settings.joints, settings.tip_site)
        clearance = ArmClearance(model, settings.joints)
        view = DepthView(
            self._camera,
            self._transforms,
            arm,
            ArmSurface(model, settings.joints, settings.gripper_joint),
            kinematics,
            clearance,
            settings.camera_frame,
            logger.info,
        )
        return ActingArm(arm, kinematics, settings, view, clearance, logger)
