# SPDX-License-Identifier: Apache-2.0
"""A running node whose camera moves, with transforms that arrive on /tf and /tf_static."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from afformer_ros.action import GroundDemonstration
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.messages.image_encoding import image_message
from afformer_ros.rclpy_messages import RclpyMessages

WITH_DOUBLE = str(Path(__file__).with_name('node_with_tf2_double.py'))
# By tenths of a second after 1000 s: the wrist in `base`, as shift and quaternion (x, y, z, w);
# and the camera in the wrist.
POSES: dict[int, Any] = {
    0: ((0.3, -0.2, 0.9), (0.1, 0.5, 0.5, 0.7)),
    10: ((0.7, 0.2, 0.5), (-0.3, 0.3, 0.1, 0.9)),
}
CAMERA = ((0.05, -0.02, 0.1), (0.5, -0.1, 0.7, 0.5))
# From the camera to `base` at 1000.0 and at 1000.2 s, by SciPy.
AT_START = (
    np.array([[0.28, 0.576, 0.768], [0.576, -0.7408, 0.3456], [0.768, 0.3456, -0.5392]]),
    np.array([0.392, -0.1336, 0.9052]),
)
BETWEEN = (
    np.array(
        [
            [0.207470153, 0.435627268, 0.875890986],
            [0.681758963, -0.70650182, 0.189894432],
            [0.701541768, 0.557749103, -0.443570835],
        ]
    ),
    np.array([0.476078385, -0.060354386, 0.830552003]),
)


class Camera:
    """A camera of 64 x 48 pixels towards a wall 0.7 m ahead, and the transforms of its arm."""

    def __init__(self, client: Any, tf2: Any, pose_message: Any) -> None:
        self.client = client
        self._pose_message = pose_message
        self._depth = client.node.create_publisher(Image, 'depth', 10)
        self._info = client.node.create_publisher(CameraInfo, 'camera_info', 10)
        self._moving = tf2.TransformBroadcaster(client.node)
        self._static = tf2.StaticTransformBroadcaster(client.node)
        for publisher in (self._depth, self._info):
            client.wait(publisher.get_subscription_count, publisher.topic_name)
        for topic in ('/tf', '/tf_static'):
            client.wait(lambda topic=topic: client.node.count_subscribers(topic), topic)
        self._static.sendTransform(pose_message('camera', 'wrist', 3.0, *CAMERA))

    def move(self, tenths: int) -> None:
        pose = self._pose_message('wrist', 'base', 1000 + tenths / 10, *POSES[tenths])
        self._moving.sendTransform(pose)

    def ground(self, tenths: int) -> Any:
        """The affordance of an image, once it is published."""
        header = self.client.header(tenths)
        wall = np.full((48, 64), 700, np.uint16)
        self._depth.publish(image_message(RclpyMessages(), wall, '16UC1', header))
        info = CameraInfo(header=header, width=64, height=48, distortion_model='plumb_bob')
        info.k = [50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0]
        self._info.publish(info)
        self.client.spin(0.2)
        message = self.client.image_message(0)
        message.header = header
        return self.client.ground(message)

    def ground_until(self, tenths: int, problem: str) -> Any:
        """The same, once its best point has a position, or has none for a reason."""

        def answered() -> Any:
            affordance = self.ground(tenths)
            told = affordance.points[0].position_problem
            return affordance if problem in told and bool(told) == bool(problem) else None

        return self.client.wait(answered, problem or 'a position')


@pytest.fixture
def camera(nodes: Any, tf2: Any, pose_message: Any) -> Camera:
    """Of an active node whose positions are in `base`, and that has a demonstration."""
    double = tf2.__name__ == 'tf2_double'
    program = {'program': WITH_DOUBLE} if double else {}
    nodes.grounding(target_frame='base', hold_time=5.0, smoothing_time=0.0, **program)
    client = nodes.client()
    client.bring_up()
    client.record('press')
    return Camera(client, tf2, pose_message)


def _expected(pose: Any, point: Any) -> Any:
    """Where the pixel of a point lies in `base`, on the wall."""
    rotation, shift = pose
    ray = np.array([(point.u - 31.5) / 50, (point.v - 23.5) / 50, 1.0])
    return rotation @ (0.7 * ray) + shift


def _position(point: Any) -> list[float]:
    return [point.position.x, point.position.y, point.position.z]


def test_positions_have_the_pose_of_their_image_while_the_camera_moves(camera):
    camera.ground_until(0, "no transform from 'camera' to 'base'")
    camera.move(0)
    affordance = camera.ground_until(0, '')
    assert (affordance.header.frame_id, affordance.position_frame) == ('camera', 'base')
    point = affordance.points[0]
    np.testing.assert_allclose(_position(point), _expected(AT_START, point), atol=2e-3)
    camera.ground_until(2, 'would require extrapolation')
    camera.move(10)
    affordance = camera.ground_until(2, '')
    point = affordance.points[0]
    np.testing.assert_allclose(_position(point), _expected(BETWEEN, point), atol=2e-3)
    # What is held stays where it was, though the arm is elsewhere by then.
    assert camera.client.set_parameter('minimum_confidence', 1.0).successful
    held = camera.ground(9)
    assert held.age == pytest.approx(0.7)
    assert held.position_stamp == affordance.header.stamp
    assert _position(held.points[0]) == _position(point)


def test_a_goal_has_the_pose_of_its_image_in_a_frame_of_its_own(camera):
    camera.move(0)
    camera.move(10)
    camera.ground_until(2, '')
    goal = camera.client.send_goal(
        'ground_demonstration',
        target_frame='base',
        agreeing_images=1,
        position_required=True,
    )
    assert goal.accepted()
    future = goal.fetch()
    camera.client.wait(lambda: camera.ground(2) and future.done(), 'the result of the goal')
    _, result = goal.result()
    assert result.outcome == GroundDemonstration.Result.FOUND, result.message
    assert result.affordance.position_frame == 'base'
    point = result.affordance.points[0]
    np.testing.assert_allclose(_position(point), _expected(BETWEEN, point), atol=2e-3)
