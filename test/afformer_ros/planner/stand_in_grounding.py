# SPDX-License-Identifier: Apache-2.0
"""A grounding node that answers what a test tells it to, over the real actions."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import rclpy
from afformer_ros.action import GroundDemonstration, LoadDemonstration
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint
from afformer_ros.srv import GetDemonstrationFrame
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Vector3
from lifecycle_msgs.srv import GetState
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from afformer_core.geometry.transform import RigidTransform, quaternion_of_rotation

LATCHED = QoSProfile(depth=100, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
Answer = Callable[[Any], GroundDemonstration.Result]


def point_at(
    position: np.ndarray, normal: np.ndarray | None, score: float = 0.83, **fields: Any
) -> AffordancePoint:
    """A point as the grounding node publishes it: a candidate where it has a normal.

    Without one, its approach is given, and follows from the line of sight.
    """
    x, y, z = map(float, position)
    point = AffordancePoint(
        score=score,
        position_valid=True,
        position=Point(x=x, y=y, z=z),
        approach_source=AffordancePoint.APPROACH_LINE_OF_SIGHT,
        **fields,
    )
    if normal is not None:
        point.normal_valid = True
        point.approach_source = AffordancePoint.APPROACH_NORMAL
        point.normal = Vector3(x=float(normal[0]), y=float(normal[1]), z=float(normal[2]))
        point.approach = Vector3(x=-point.normal.x, y=-point.normal.y, z=-point.normal.z)
        point.grasp_candidate_valid = score >= 0.1
    return point


def found(
    points: list[AffordancePoint],
    frame: str,
    stamp: Time | None = None,
    image_frame: str = 'camera_color_optical_frame',
    action: str = 'touch',
    presence: float = 0.91,
    threshold: float = 1 / 3,
    certainty: float = math.nan,
    certainty_threshold: float = math.nan,
    action_threshold: float = math.nan,
) -> GroundDemonstration.Result:
    """The result of a goal that has found points, in an image before the newest one."""
    stamp = stamp or Time()
    affordance = Affordance(
        header=Header(frame_id=image_frame, stamp=Time(sec=stamp.sec + 1)),
        found=True,
        presence=presence,
        presence_threshold=threshold,
        certainty=certainty,
        certainty_threshold=certainty_threshold,
        unsure=certainty < certainty_threshold,
        action=action,
        action_threshold=action_threshold,
        actions=[ActionScore(name='touch' if action == 'unknown' else action, score=0.77)],
        points=points,
        position_frame=frame,
        position_stamp=stamp,
    )
    return GroundDemonstration.Result(
        outcome=GroundDemonstration.Result.FOUND, affordance=affordance, images=3
    )


def pose_message(pose: RigidTransform, stamp: Time, frame: str = 'panda_link0') -> PoseStamped:
    x, y, z, w = map(float, quaternion_of_rotation(pose.rotation))
    a, b, c = map(float, pose.translation)
    return PoseStamped(
        header=Header(frame_id=frame, stamp=stamp),
        pose=Pose(position=Point(x=a, y=b, z=c), orientation=Quaternion(x=x, y=y, z=z, w=w)),
    )


@dataclass
class Goals:
    """What came of the goals so far."""

    requests: list[Any] = field(default_factory=list)
    canceled: int = 0


class StandInGrounding:
    """The grounding node; a `with` block runs it.

    Args:
        context: context of all nodes of the test.
        answer: makes the result of a goal; an exception of it lets the goal run until it is
            canceled.
        accepting: seconds on the wall until a goal is accepted.
        frames: first and last frame of every demonstration, uint8 RGB; None: it offers none.

    Attributes:
        goals: what came of the goals.
        camera_pose: publisher of the camera's pose.
        marked: whether the contact of every demonstration is marked.
        state, asked: state of its lifecycle, and how often that was asked for.
    """

    def __init__(
        self,
        context: rclpy.Context,
        answer: Answer,
        accepting: float = 0.0,
        frames: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.goals = Goals()
        self.marked = False
        self.state, self.asked = 'active', 0
        self._answer = answer
        self._accepting = accepting
        self._ending = threading.Event()
        self.node = rclpy.create_node('grounding', context=context)
        self.camera_pose = self.node.create_publisher(PoseStamped, 'camera_pose', LATCHED)
        self._servers = [
            ActionServer(
                self.node,
                kind,
                f'grounding/{name}',
                execute_callback=self._execute,
                goal_callback=self._accept,
                cancel_callback=self._cancel,
                callback_group=ReentrantCallbackGroup(),
            )
            for kind, name in (
                (GroundDemonstration, 'ground_demonstration'),
                (LoadDemonstration, 'load_demonstration'),
            )
        ]
        self.node.create_service(GetState, 'grounding/get_state', self._give_state)
        if frames is not None:
            self._frames = frames
            self.node.create_service(
                GetDemonstrationFrame, 'grounding/get_demonstration_frame', self._give_frame
            )
        self._executor = MultiThreadedExecutor(4, context=context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin)

    def __enter__(self) -> StandInGrounding:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        for server in self._servers:
            server.destroy()
        # What is latched must not reach the next test.
        self.node.destroy_node()

    def _spin(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def _give_state(self, _: GetState.Request, response: GetState.Response) -> GetState.Response:
        self.asked += 1
        response.current_state.label = self.state
        return response

    def _give_frame(
        self, request: GetDemonstrationFrame.Request, response: GetDemonstrationFrame.Response
    ) -> GetDemonstrationFrame.Response:
        assert request.name == 'shown'
        jpeg = cv2.imencode('.jpg', self._frames[int(request.last)][..., ::-1])[1]
        response.success, response.marked = True, self.marked
        response.message = 'candidate 1 at 292,48'
        response.frame.format = 'jpeg'
        response.frame.data = jpeg.tobytes()
        return response

    def _accept(self, request: Any) -> GoalResponse:
        self.goals.requests.append(request)
        self._ending.wait(self._accepting)
        return GoalResponse.ACCEPT

    def _cancel(self, _: Any) -> CancelResponse:
        self.goals.canceled += 1
        return CancelResponse.ACCEPT

    def _execute(self, handle: Any) -> Any:
        result = self._answer(handle.request)
        while result is None and not handle.is_cancel_requested and not self._ending.is_set():
            self._ending.wait(0.01)
        if handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.succeed()
        if result is None:
            kind = type(handle.request).__module__
            result = (
                LoadDemonstration.Result()
                if 'load' in kind
                else GroundDemonstration.Result(outcome=GroundDemonstration.Result.CANCELED)
            )
        return result
