# SPDX-License-Identifier: Apache-2.0
"""The node `planner`, which grounds demonstrations, moves the arm, and checks the result."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from afformer_core.changes.outcome import Expected, expected_after, shown_change
from afformer_ros.action import GroundDemonstration
from afformer_ros.client import GroundingClient
from afformer_ros.msg import Affordance
from afformer_ros.parameter_fields import declare_parameters, read_parameters
from afformer_ros.planner.answers import (
    GoalRefusedError,
    NoAnswerError,
    NoPositionError,
    NotFoundError,
    UnsteadyError,
    found_affordance,
)
from afformer_ros.planner.arm_client import ArmClient
from afformer_ros.planner.base_transforms import BaseTransforms
from afformer_ros.planner.camera_client import CameraClient
from afformer_ros.planner.contact import ArmContact, BlockedError, UnreachableError
from afformer_ros.planner.contacts import (
    NotSureError,
    check_action,
    check_certainty,
    check_presence,
    contacts_of,
)
from afformer_ros.planner.joint_states import ArmError
from afformer_ros.planner.operate_action import OperateAction
from afformer_ros.planner.operation import FoundContacts
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.planner.waiting import Waiting, duration_message

if TYPE_CHECKING:
    from afformer_ros.planner.camera_correction import CameraCorrection
    from afformer_ros.planner.skills import Felt

# Seconds to return to the initial position, to ground again, and for a camera_pose to appear.
_PARKING, _LOOKING, _APPEARING = 3.0, 5.0, 10.0
# Radians by which a parked arm may be off.
_PARKED = 0.1
# Radius of the surroundings of a point: metres, and share of the image's width if the scale of the
# image is not known.
_SURROUNDINGS, _SURROUNDINGS_SHARE = 0.035, 0.05


@dataclass(frozen=True)
class RepetitionReport:
    """The result of repeating one demonstration.

    Attributes:
        contact: point and action.
        frame: frame of the contact.
        felt: measurements of the arm; None after a dry run.
        seen: observation of the camera afterwards; empty after a dry run.
    """

    contact: ArmContact
    frame: str
    felt: Felt | None = None
    seen: str = ''

    @property
    def done(self) -> bool:
        """Whether the arm has acted and felt success, or the run was dry."""
        return self.felt is None or self.felt.done

    def __str__(self) -> str:
        x, y, z = self.contact.point
        text = f'{self.contact.action} at ({x:.3f}, {y:.3f}, {z:.3f}) m in {self.frame}'
        return f'would {text}' if self.felt is None else f'{text}: {self.felt}; {self.seen}'


class PlannerNode(Node):
    """A node that repeats demonstrations; callbacks must run in another thread than `repeat`.

    With the parameter `serve`, it repeats them for the goals of the action `~/operate_element`.

    Args:
        finished: event that ends every wait.
        options: options of `rclpy.node.Node`.

    Attributes:
        grounding: client of the grounding node.

    Raises:
        AfformerError: the model of the arm cannot be read.
        ValueError: a parameter violates a rule.
    """

    def __init__(self, finished: threading.Event, **options: Any) -> None:
        super().__init__('planner', **options)
        declare_parameters(self, PlannerParameters)
        self._settings = read_parameters(self, PlannerParameters)
        settings = self._settings
        self._finished = finished
        waiting = Waiting(self.get_clock(), finished, settings.clock_patience)
        self.grounding = GroundingClient(self, until=waiting.until)
        self._transforms = BaseTransforms(
            self, waiting, settings.base_frame, settings.camera_frame, moves=settings.camera_moves
        )
        self._arm: ArmClient | None = None
        # Joint positions from which an interrupted action began.
        self._home: NDArray[np.float64] | None = None
        self._correction: CameraCorrection | None = None
        if not settings.dry_run:
            self._camera = CameraClient(self, waiting)
            self._arm = ArmClient(self, settings.joints, settings.gripper_joint, waiting)
            self._open_arm(self._arm)
        self._action: OperateAction | None = None
        if settings.serve:
            self._action = OperateAction(
                self, self, waiting, self._come_to_rest, settings.base_frame, settings.attempts
            )

    @property
    def serves(self) -> bool:
        """Whether the node offers the action `~/operate_element`."""
        return self._settings.serve

    def close(self) -> bool:
        """End every wait; return whether the open goals, if any, have ended."""
        self._finished.set()
        ended = self._action is None or self._action.close()
        return self.grounding.close() and ended

    def repeat(self, demonstrations: Sequence[str], action: str = '') -> RepetitionReport:
        """Ground demonstrations, act, and return to the initial position of the arm.

        Args:
            demonstrations: names of demonstrations; empty: the selection.
            action: name of the demonstrated action; empty: the parameter, or the action of the
                grounding node.

        Raises:
            NotFoundError: there is no point, or its scores are too low.
            NoAnswerError, GoalRefusedError: the grounding node does not answer, or refuses.
            UnknownActionError: the arm has no skill for the action of the model.
            UnreachableError: the arm cannot reach it.
            BlockedError: the arm was stopped on its way.
            ArmError: the arm does not answer.
        """
        contacts, _ = self._contacts(self._sure_affordance(demonstrations, action))
        frame = self._settings.base_frame
        if self._arm is None:
            return RepetitionReport(contacts[0], frame)
        contact, felt = self._act_at_one(contacts)
        return RepetitionReport(contact, frame, felt, self._see(demonstrations, contact))

    def find(self, demonstrations: Sequence[str], action: str) -> FoundContacts:
        """Ground demonstrations for an operation; an arm that was interrupted returns first.

        Raises:
            AfformerError: see `repeat`.
        """
        self._retreat()
        affordance = self._sure_affordance(demonstrations, action)
        contacts, camera = self._contacts(affordance)
        radii = (self._radius(contact, camera) for contact in contacts)
        return FoundContacts(affordance.action, tuple(contacts), tuple(radii))

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

    def act(self, contact: ArmContact) -> str:
        """Act at a point, and return to the initial position; describe what the arm felt.

        Raises: see `act_at`.
        """
        return str(self.act_at(contact))

    def act_at(self, contact: ArmContact) -> Felt:
        """Act at a point, and return to the initial position.

        Raises:
            UnreachableError: the arm cannot reach it.
            BlockedError: the arm was stopped on its way.
            ArmError: the arm does not answer, or the planner has none.
        """
        arm = self._existing_arm()
        correction = self._correction
        seen = correction is not None and correction.begin()
        self._home = parked = arm.positions()
        try:
            felt = self._skills.act(contact, correction.shift if correction and seen else None)
        except BlockedError:
            arm.follow([parked], _PARKING)
            self._home = None
            raise
        except UnreachableError:
            # It has not moved.
            self._home = None
            raise
        arm.follow([parked], _PARKING)
        self._home = None
        away = float(np.abs(arm.positions() - parked).max())
        if away <= _PARKED:
            return felt
        text = f'{felt}, the arm did not get back to where it began, by {away:.2f} rad'
        return replace(felt, text=text, returned=False)

    def _existing_arm(self) -> ArmClient:
        if self._arm is None:
            raise ArmError('the planner runs without an arm; expected one with an arm')
        return self._arm

    def _retreat(self) -> None:
        """Move an arm that was interrupted back to where its action began."""
        if self._home is not None:
            self._skills.retreat()
            self._existing_arm().follow([self._home], _PARKING)
            self._home = None

    def _come_to_rest(self) -> None:
        """Wait until an interrupted arm stands still."""
        if self._home is None:
            return
        try:
            reason = '' if self._existing_arm().settle() else 'it does not come to rest'
        except ArmError as error:
            reason = str(error)
        if reason:
            self.get_logger().warning(f'the arm may still move: {reason}')

    def _act_at_one(self, contacts: Sequence[ArmContact]) -> tuple[ArmContact, Felt]:
        """Act at the best point that the arm reaches."""
        for contact in contacts[:-1]:
            try:
                return contact, self.act_at(contact)
            except BlockedError:
                raise
            except UnreachableError as error:
                self.get_logger().warning(f'{error}; trying the next point')
        return contacts[-1], self.act_at(contacts[-1])

    def _see(self, demonstrations: Sequence[str], before: ArmContact) -> str:
        """Ground again, and describe the change."""
        try:
            seen = self._ask(demonstrations, before.action, 1, _LOOKING)
            now = self._contacts(seen)[0][0].point
        except NotFoundError:
            return 'the camera no longer sees it'
        except (NoAnswerError, GoalRefusedError) as error:
            # The arm has acted nevertheless.
            return f'the result in the image is not known: {error}'
        way = float(np.linalg.norm(now - before.point))
        return f'the camera sees it {way * 100:.1f} cm from where it was'

    def repeat_what_is_given(self) -> RepetitionReport:
        """Load the video or select the demonstrations of the parameters, and repeat them.

        Raises:
            AfformerError: see `load` and `repeat`.
        """
        if self._settings.video:
            self.load(self._settings.video)
        names = self._settings.demonstrations
        return self.repeat(names.split('+') if names else ())

    def load(self, path: str) -> None:
        """Load a video, folder of images or bag as the demonstration, and select it.

        Raises:
            NoAnswerError, GoalRefusedError: the grounding node does not answer, or refuses.
        """
        self.grounding.load(path)

    def _sure_affordance(self, demonstrations: Sequence[str], action: str) -> Affordance:
        """Request an affordance on which the arm may act."""
        settings = self._settings
        action = action or settings.action
        try:
            affordance = self._ask(
                demonstrations, action, settings.agreeing_images, settings.timeout
            )
            check_presence(affordance, settings.presence_margin)
            check_certainty(affordance)
            check_action(affordance)
        except (NoPositionError, NotSureError, UnsteadyError):
            raise
        except NotFoundError as error:
            advice = self.grounding.marking_advice(next(iter(demonstrations), ''))
            raise type(error)(f'{error}. {advice}') from None
        return affordance

    def _ask(
        self, demonstrations: Sequence[str], action: str, agreeing_images: int, seconds: float
    ) -> Affordance:
        """Request an affordance from the grounding node."""
        settings = self._settings
        self.grounding.wait_for_node()
        goal = GroundDemonstration.Goal(
            demonstrations=list(demonstrations),
            agreeing_images=agreeing_images,
            minimum_presence=settings.minimum_presence,
            action=action,
            # If it is empty, positions are in the frame that is configured in the grounding node.
            target_frame=self._transforms.target_frame(0.0 if settings.dry_run else _APPEARING),
            position_required=True,
            maximum_age=duration_message(settings.maximum_image_age),
        )
        return found_affordance(self.grounding.ground(goal, seconds), goal.agreeing_images)

    def _contacts(
        self, affordance: Affordance
    ) -> tuple[list[ArmContact], NDArray[np.float64] | None]:
        """Read the points for acting, best first, and the camera, in the frame of the base."""
        to_base, camera = self._transforms.of(affordance)
        contacts = contacts_of(affordance, to_base, camera, self._settings.minimum_score)
        return contacts, camera

    def _radius(self, contact: ArmContact, camera: NDArray[np.float64] | None) -> float:
        """Return the radius of the surroundings of a point in the image, in pixels."""
        focal_length, width = self._camera.focal_length, self._camera.width
        if camera is None or focal_length is None:
            return _SURROUNDINGS_SHARE * width
        return focal_length * _SURROUNDINGS / float(np.linalg.norm(contact.point - camera))

    def _open_arm(self, arm: ArmClient) -> None:
        """Open the model of the arm, for its skills and for the correction of the camera."""
        # Only a planner with an arm needs MuJoCo and mink.
        from afformer_ros.planner.arm_models import open_arm_model
        from afformer_ros.planner.camera_correction import ArmSurface, CameraCorrection
        from afformer_ros.planner.kinematics import TipKinematics
        from afformer_ros.planner.skills import Skills

        settings = self._settings
        model = open_arm_model(settings.arm_model)
        kinematics = TipKinematics(model, settings.joints, settings.tip_site)
        self._skills = Skills(arm, kinematics, settings.distance)
        if settings.correct_camera_pose:
            self._correction = CameraCorrection(
                self._camera,
                self._transforms,
                arm,
                ArmSurface(model, settings.joints, settings.gripper_joint),
                kinematics,
                settings.camera_frame,
                self.get_logger().info,
            )
