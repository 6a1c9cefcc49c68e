# SPDX-License-Identifier: Apache-2.0
"""A planner that serves operations, with stand-ins for grounding node, arm and camera."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from afformer_ros.action import OperateElement
from numpy.typing import NDArray
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from afformer_core.geometry.transform import RigidTransform
from afformer_ros.client import ConcurrentActionClient
from afformer_ros.planner.planner_node import PlannerNode
from test.waiting import wait_until

from .stand_in_arm import StandInArm, time_message
from .stand_in_grounding import Answer, StandInGrounding, found, point_at, pose_message

BASE = 'panda_link0'
POINT = np.array([0.52, 0.17, 0.43])
NORMAL = np.array([-0.82, -0.31, 0.24]) / np.linalg.norm([-0.82, -0.31, 0.24])
# Upper left corner and size of a part in the image, and the pixel at which it is found.
PART, PART_SIZE, PIXEL = (121, 83), (37, 22), (139.0, 94.0)


def drawn(moved: int = 0, elsewhere: int = 0) -> NDArray[np.uint8]:
    """An image of a part that has moved down, and of another one: uint8 RGB [203, 317, 3]."""
    rows, columns = np.mgrid[:203, :317]
    grey = 120 + 40 * np.sin(rows / 7.3) * np.cos(columns / 9.1)
    image = np.repeat(grey[..., None], 3, axis=2)
    for (left, top), step in ((PART, moved), ((231, 41), elsewhere)):
        width, height = PART_SIZE
        image[top + step : top + step + height, left : left + width] = (31, 47, 62)
    return image.astype(np.uint8)


def answer(action: str = 'pull', points: int = 1, **fields: Any) -> Answer:
    """An answer with points on the wall, 5 cm apart."""
    across = np.cross(NORMAL, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)

    def give(_: Any) -> Any:
        return found(
            [
                point_at(
                    POINT + 0.05 * number * across,
                    NORMAL,
                    0.83 - 0.11 * number,
                    u=PIXEL[0],
                    v=PIXEL[1],
                    **fields,
                )
                for number in range(points)
            ],
            BASE,
            action=action,
        )

    return give


@dataclass
class OperateBench:
    """The nodes, and the client of the action.

    Attributes:
        arm, grounding, planner: see the modules of these.
        client, retracting, releasing: clients of the action, of `~/retract` and of `~/release`.
        feedback: steps and attempts that the client was told, in order.
    """

    arm: StandInArm
    grounding: StandInGrounding
    planner: PlannerNode
    client: Any
    retracting: Any
    releasing: Any
    feedback: list[tuple[int, int]] = field(default_factory=list)

    def send(self, **goal: Any) -> Any:
        """Send a goal; return its handle."""
        goal.setdefault('demonstrations', ['shown'])
        sent = self.client.send_goal_async(
            OperateElement.Goal(**goal),
            lambda told: self.feedback.append((told.feedback.step, told.feedback.attempt)),
        )
        return wait_for(sent)

    def operate(self, **goal: Any) -> OperateElement.Result:
        """Send a goal; return its result."""
        return self.end(**goal)[1]

    def end(self, **goal: Any) -> tuple[int, OperateElement.Result]:
        """Send a goal; return its status, a constant of GoalStatus, and its result."""
        answer = wait_for(self.send(**goal).get_result_async())
        return answer.status, answer.result

    def retract(self) -> tuple[bool, str]:
        """Retract an interrupted arm; return whether that succeeded, and the message."""
        answer = wait_for(self.retracting.call_async(Trigger.Request()))
        return answer.success, answer.message

    def release(self) -> str:
        """Release what the gripper holds; return the message."""
        return str(wait_for(self.releasing.call_async(Trigger.Request())).message)

    def reason(self, outcome: int) -> str:
        """Why the planner does not act; no trajectory was sent."""
        result = self.operate()
        assert (result.outcome, self.arm.messages) == (outcome, []), result.message
        return str(result.message)

    def tell_pose(self, pose: RigidTransform, nanoseconds: int) -> None:
        self.grounding.camera_pose.publish(pose_message(pose, time_message(nanoseconds)))

    def assert_right(self, normal: NDArray[np.float64] = NORMAL) -> None:
        """Let the arm act: it goes to 11 cm before the point, and then to its surface."""
        handle = self.send()
        ending = handle.get_result_async()
        wait_until(lambda: len(self.arm.tracks) >= 2 or ending.done())
        handle.cancel_goal_async()
        result = wait_for(ending).result
        assert len(self.arm.tracks) >= 2, result.message
        before, near = self.arm.targets()[:2]
        assert before == pytest.approx(POINT + 0.11 * normal, abs=3e-3)
        assert near == pytest.approx(POINT + 0.025 * normal, abs=3e-3)

    def assert_at_rest(self) -> None:
        """Assert that the arm no longer moves."""
        before = self.arm.joints
        now = self.arm.now
        wait_until(lambda: self.arm.now > now + 400_000_000)
        assert np.abs(self.arm.joints - before).max() < 1e-6

    def assert_parked(self, start: NDArray[np.float64]) -> None:
        """Assert that the arm rests where it began."""
        self.assert_at_rest()
        assert np.abs(self.arm.joints - start).max() < 0.004


def wait_for(future: Any) -> Any:
    wait_until(future.done)
    return future.result()


def result_of(handle: Any) -> OperateElement.Result:
    return wait_for(handle.get_result_async()).result


@contextmanager
def operate_bench(
    given: Answer,
    view: Callable[[int], NDArray[np.uint8] | None],
    speed: float = 25.0,
    wall: bool = True,
    lag: int = 0,
    accepting: float = 0.0,
    frames: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None,
    part: float = 0.006,
    **parameters: Any,
) -> Iterator[OperateBench]:
    """Run the nodes.

    Args:
        given: answer of the grounding node.
        view: makes the image of the camera of how often the gripper has closed; None: it sends
            none.
        speed: speed of the arm's clock.
        wall: whether the tip is stopped at the point.
        lag: nanoseconds by which the stamps of images are too early.
        accepting: seconds until the grounding node accepts a goal.
        frames: first and last frame of the demonstration; None: they are not known.
        part: position at which the part stops the fingers; 0: they close on nothing.
        parameters: parameters of the planner that are off their defaults.
    """
    arm = StandInArm(speed=speed, wall=(POINT, NORMAL) if wall else None)
    arm.object_width = part
    values = {'use_sim_time': True, 'serve': True, 'camera_frame': '', **parameters}
    planner = PlannerNode(
        threading.Event(),
        context=arm.context,
        parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
    )
    arm.executor.add_node(planner)
    user = arm.create_node('user')
    client = ConcurrentActionClient(user, OperateElement, 'planner/operate_element')
    retracting, releasing = (
        user.create_client(Trigger, f'planner/{name}') for name in ('retract', 'release')
    )
    publisher = user.create_publisher(Image, 'image', qos_profile_sensor_data)
    ending = threading.Event()

    def film() -> None:
        while not ending.wait(0.02):
            # An image must not be older than its stamp.
            stamp = time_message(arm.now - lag)
            image = view(arm.closings)
            if image is None:
                continue
            message = Image(height=203, width=317, encoding='rgb8', step=951)
            message.header.stamp = stamp
            message.data = image.tobytes()
            publisher.publish(message)

    camera = threading.Thread(target=film)
    with arm, StandInGrounding(arm.context, given, accepting, frames) as grounding:
        camera.start()
        try:
            assert client.wait_for_server(60)
            assert retracting.wait_for_service(60)
            assert releasing.wait_for_service(60)
            yield OperateBench(arm, grounding, planner, client, retracting, releasing)
        finally:
            ending.set()
            camera.join()
            planner.close()
