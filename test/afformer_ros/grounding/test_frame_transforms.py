# SPDX-License-Identifier: Apache-2.0
"""Positions in another frame, by the real tf2."""

import numpy as np
import pytest
from geometry_msgs.msg import PoseArray, TransformStamped
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from afformer_core.messages.image_encoding import image_message
from afformer_ros.rclpy_messages import RclpyMessages

tf2_ros = pytest.importorskip('tf2_ros', reason='tf2_ros is not installed')


@pytest.fixture
def camera(nodes):
    """A client of an active node that publishes positions in base_link, with a demonstration."""
    nodes.grounding(target_frame='base_link', depth_tolerance=10.0)
    client = nodes.client()
    client.bring_up()
    client.record('press')
    client.depth = client.node.create_publisher(Image, 'depth', 10)
    client.info = client.node.create_publisher(CameraInfo, 'camera_info', 10)
    client.candidates, client.clouds = [], []
    client.node.create_subscription(PoseArray, 'grasp_candidates', client.candidates.append, 10)
    client.node.create_subscription(PointCloud2, 'affordance_cloud', client.clouds.append, 10)
    client.wait(client.depth.get_subscription_count, 'the subscription to depth')
    client.wait(client.info.get_subscription_count, 'the subscription to camera_info')
    return client


def _ground(client, number):
    """A wall 0.7 m ahead of a camera of 64 x 48."""
    wall = np.full((48, 64), 700, np.uint16)
    client.depth.publish(image_message(RclpyMessages(), wall, '16UC1', client.header(number)))
    info = CameraInfo(header=client.header(number), width=64, height=48)
    info.k = [50.0, 0.0, 31.5, 0.0, 50.0, 23.5, 0.0, 0.0, 1.0]
    client.info.publish(info)
    client.spin(0.3)
    return client.ground(client.image_message(number))


def test_without_the_transform_there_is_no_position(camera):
    affordance = _ground(camera, 0)
    assert affordance.found
    assert affordance.position_frame == 'base_link'
    assert not affordance.points[0].position_valid
    assert "no transform from 'camera' to 'base_link'" in affordance.points[0].position_problem


def test_positions_are_in_the_target_frame(camera):
    broadcaster = tf2_ros.StaticTransformBroadcaster(camera.node)
    transform = TransformStamped()
    transform.header.frame_id, transform.child_frame_id = 'base_link', 'camera'
    transform.transform.translation.z = 1.5
    # A camera that looks ahead: its z is the robot's x.
    turn = transform.transform.rotation
    turn.x, turn.y, turn.z, turn.w = -0.5, 0.5, -0.5, 0.5
    broadcaster.sendTransform(transform)
    camera.spin(0.5)
    affordance = _ground(camera, 20)
    point = affordance.points[0]
    assert affordance.header.frame_id == 'camera'
    assert point.position_valid, point.position_problem
    assert point.position.x == pytest.approx(0.7, abs=0.002)
    assert point.position.y == pytest.approx(-0.7 * (point.u - 31.5) / 50, abs=0.01)
    assert point.position.z == pytest.approx(1.5 - 0.7 * (point.v - 23.5) / 50, abs=0.01)
    if point.normal_valid:
        assert point.normal.x == pytest.approx(-1, abs=0.01)
    camera.wait(lambda: camera.candidates and camera.clouds, 'candidates and cloud')
    assert camera.candidates[-1].header.frame_id == 'base_link'
    assert camera.clouds[-1].header.frame_id == 'base_link'
    if point.grasp_candidate_valid:
        assert point.grasp_candidate == camera.candidates[-1].poses[0]
    rows = np.frombuffer(camera.clouds[-1].data, np.float32).reshape(-1, 4)
    assert rows[:, 0] == pytest.approx(0.7, abs=0.002)
