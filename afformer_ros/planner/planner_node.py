# SPDX-License-Identifier: Apache-2.0
"""The node `planner`: asks where to act, lets the arm act, and looks at what came of it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PoseStamped, Transform, Vector3
from numpy.typing import NDArray
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

from afformer_core.geometry.transform import RigidTransform
from afformer_ros.action import GroundDemonstration, LoadDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from afformer_ros.parameter_fields import declare_parameters, read_parameters
from afformer_ros.planner.answers import (
    NoAnswerError,
    NotFoundError,
    RefusedError,
    found_affordance,
)
from afformer_ros.planner.arm_client import ArmClient, ArmError
from afformer_ros.planner.contact import Contact, UnreachableError
from afformer_ros.planner.parameters import PlannerParameters

if TYPE_CHECKING:
    from afformer_ros.planner.skills import Skills

_ACTIONS = {
    'ground_demonstration': GroundDemonstration,
    'load_demonstration': LoadDemonstration,
}
# Seconds to go back to where the arm was, and to look again.
_PARKING, _LOOKING = 3.0, 5.0
# Seconds on the wall: for the node to appear, for its answer after the goal's own timeout, and to
# read a video.
_STARTING, _PATIENCE, _LOADING = 60.0, 10.0, 120.0


@dataclass(frozen=True)
class Report:
    """What came of one demonstration.

    Attributes:
        contact: where and how to act.
        frame: frame of the contact.
        felt: what the arm felt; empty after a dry run.
        seen: what the camera sees afterwards; empty after a dry run.
    """

    contact: Contact
    frame: str
    felt: str = ''
    seen: str = ''

    def __str__(self) -> str:
        x, y, z = self.contact.point
        text = f'{self.contact.action} at ({x:.3f}, {y:.3f}, {z:.3f}) m in {self.frame}'
        return f'{text}: {self.felt}; {self.seen}' if self.felt else f'would {text}'


class PlannerNode(Node):
    """Repeats demonstrations; callbacks must run in another thread than `repeat`.

    Args:
        finished: event that ends every wait.
        options: options of `rclpy.node.Node`.

    Raises:
        AfformerError: the model of the arm cannot be read.
        ValueError: a parameter breaks a rule.
    """

    def __init__(self, finished: threading.Event, **options: Any) -> None:
        super().__init__('planner', **options)
        declare_parameters(self, PlannerParameters)
        self._settings = read_parameters(self, PlannerParameters)
        self._finished = finished
        self._camera: RigidTransform | None = None
        self._ground: Any = ActionClient(
            self, GroundDemonstration, 'grounding/ground_demonstration'
        )
        self._load: Any = ActionClient(self, LoadDemonstration, 'grounding/load_demonstration')
        latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(PoseStamped, 'camera_pose', self._take_camera, latched)
        self._arm: ArmClient | None = None
        if not self._settings.dry_run:
            self._arm = ArmClient(
                self, self._settings.joints, self._settings.gripper_joint, finished
            )
            self._skills = self._open_skills(self._arm)

    def close(self) -> bool:
        """End every wait."""
        self._finished.set()
        return True

    def repeat(self, demonstrations: Sequence[str]) -> Report:
        """Ask where to act, act there, and go back to where the arm was.

        Args:
            demonstrations: names of what is repeated; none: the selected ones.

        Raises:
            NotFoundError: there is no point to act at.
            NoAnswerError, RefusedError: the grounding node does not answer, or refuses.
            UnknownActionError: the arm has no skill for what the model calls the action.
            UnreachableError: the arm does not reach it.
            ArmError: the arm does not answer.
        """
        settings = self._settings
        affordance = self._ask(demonstrations, settings.agreeing_images, settings.timeout)
        contacts = self._contacts(affordance)
        if self._arm is None:
            return Report(contacts[0], settings.base_frame)
        contact, felt = self._act_at_one(contacts)
        seen = self._look(demonstrations, contact)
        return Report(contact, settings.base_frame, felt, seen)

    def act(self, contact: Contact) -> str:
        """Act at a point, and go back to where the arm was; return in words what was felt.

        Raises:
            UnreachableError: the arm does not reach it.
            ArmError: the arm does not answer, or the planner has none.
        """
        if self._arm is None:
            raise ArmError('the planner runs dry; expected one with an arm')
        parked = self._arm.positions()
        felt = self._skills.act(contact)
        self._arm.follow([parked], _PARKING)
        return felt

    def _act_at_one(self, contacts: Sequence[Contact]) -> tuple[Contact, str]:
        """Act at the best point that the arm reaches."""
        for contact in contacts[:-1]:
            try:
                return contact, self.act(contact)
            except UnreachableError as error:
                self.get_logger().warning(f'{error}; the next point is tried')
        return contacts[-1], self.act(contacts[-1])

    def _look(self, demonstrations: Sequence[str], before: Contact) -> str:
        """Ask once more, and say what has changed."""
        try:
            now = self._contacts(self._ask(demonstrations, 1, _LOOKING))[0].point
        except NotFoundError:
            return 'the camera does not see it any more'
        except (NoAnswerError, RefusedError) as error:
            # The arm has acted all the same.
            return f'what the camera sees is not known: {error}'
        way = float(np.linalg.norm(now - before.point))
        return f'the camera sees it {way * 100:.1f} cm from where it was'

    def repeat_what_is_given(self) -> Report:
        """Load the parameters' video or take their demonstrations, and repeat that.

        Raises:
            AfformerError: as those of `load` and `repeat`.
        """
        if self._settings.video:
            self.load(self._settings.video)
        names = self._settings.demonstrations
        return self.repeat(names.split('+') if names else ())

    def load(self, path: str) -> None:
        """Load a video, folder of images or bag as the demonstration, and select it.

        Raises:
            NoAnswerError, RefusedError: the grounding node does not answer, or refuses.
        """
        goal = LoadDemonstration.Goal(path=path)
        result = self._result(self._load, goal, _LOADING)
        if not result.success:
            raise RefusedError(result.message)

    def _ask(
        self, demonstrations: Sequence[str], agreeing_images: int, seconds: float
    ) -> Affordance:
        """Ask the grounding node where to act (see `found_affordance`)."""
        end = time.monotonic() + _PATIENCE
        while self._camera is None and time.monotonic() < end and not self._settings.dry_run:
            self._go_on()
        goal = GroundDemonstration.Goal(
            demonstrations=list(demonstrations),
            agreeing_images=agreeing_images,
            minimum_presence=self._settings.minimum_presence,
            # Where tf2 is not there, the camera's driver tells its pose.
            target_frame='' if self._camera is not None else self._settings.base_frame,
            position_required=True,
            timeout=_duration(seconds),
        )
        return found_affordance(self._result(self._ground, goal, seconds), agreeing_images)

    def _result(self, client: Any, goal: Any, seconds: float) -> Any:
        """Send a goal to the grounding node, and wait for its result."""
        end = time.monotonic() + _STARTING
        while not client.server_is_ready():
            self._go_on()
            if time.monotonic() > end:
                raise NoAnswerError('there is no grounding node. Start one')
        handle = self._wait(client.send_goal_async(goal), _PATIENCE)
        if not handle.accepted:
            raise RefusedError('the grounding node refused the goal. Is it active?')
        return self._wait(handle.get_result_async(), seconds + _PATIENCE).result

    def _contacts(self, affordance: Affordance) -> list[Contact]:
        """Read the points that have a position, best first, in the frame of the arm's base."""
        to_base = self._to_base(affordance.position_frame)
        action = affordance.actions[0].name if affordance.actions else ''
        return [_contact(one, action, to_base) for one in affordance.points if one.position_valid]

    def _to_base(self, frame: str) -> RigidTransform:
        if frame == self._settings.base_frame:
            return RigidTransform(np.eye(3), np.zeros(3))
        if self._camera is None:
            raise NoAnswerError(
                f'positions are in {frame}; expected {self._settings.base_frame}. Publish the '
                'transform, or camera_pose'
            )
        return self._camera

    def _take_camera(self, message: PoseStamped) -> None:
        if message.header.frame_id != self._settings.base_frame:
            self.get_logger().warning(
                f'camera_pose is in {message.header.frame_id}; expected '
                f'{self._settings.base_frame}',
                throttle_duration_sec=5.0,
            )
            return
        transform = Transform(rotation=message.pose.orientation)
        at = message.pose.position
        transform.translation = Vector3(x=at.x, y=at.y, z=at.z)
        self._camera = RigidTransform.from_message(transform)

    def _open_skills(self, arm: ArmClient) -> Skills:
        # Only a planner with an arm needs MuJoCo and mink.
        from afformer_ros.planner.arm_models import open_arm_model
        from afformer_ros.planner.kinematics import TipKinematics
        from afformer_ros.planner.skills import Skills

        settings = self._settings
        model = open_arm_model(settings.arm_model)
        kinematics = TipKinematics(model, settings.joints, settings.tip_site)
        return Skills(arm, kinematics, settings.distance)

    def _wait(self, future: Any, seconds: float) -> Any:
        end = time.monotonic() + seconds
        while not future.done():
            self._go_on()
            if time.monotonic() > end:
                raise NoAnswerError(
                    f'the grounding node did not answer for {seconds:.0f} s. Is it running?'
                )
        return future.result()

    def _go_on(self) -> None:
        if self._finished.is_set():
            raise NoAnswerError('the planner was stopped')
        time.sleep(0.01)


def _contact(point: AffordancePoint, action: str, to_base: RigidTransform) -> Contact:
    position = np.array([point.position.x, point.position.y, point.position.z])
    # A camera sees no surface from behind.
    normal = _vector(point.normal) if point.normal_valid else -position
    turns = point.motion_valid and point.motion_type == AffordancePoint.ROTATION
    return Contact(
        action,
        to_base.point(position),
        to_base.vector(normal / np.linalg.norm(normal)),
        to_base.vector(_vector(point.motion)) if turns else None,
    )


def _vector(message: Vector3) -> NDArray[np.float64]:
    return np.array([message.x, message.y, message.z])


def _duration(seconds: float) -> Duration:
    whole = math.floor(seconds)
    return Duration(sec=whole, nanosec=round((seconds - whole) * 1e9) % 10**9)
