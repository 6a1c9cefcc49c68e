# SPDX-License-Identifier: Apache-2.0
"""Depth that the planner requests of its camera."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from afformer_core.errors import AfformerError
from afformer_ros.planner.camera_client import CameraClient
from afformer_ros.planner.waiting import Waiting
from test.waiting import wait_until

# Millimetres of three images: 0 is unknown.
DEPTHS = ([[731, 0, 950]], [[745, 0, 0]], [[702, 0, 610]])


@pytest.fixture
def node() -> Iterator[Node]:
    context = Context()
    rclpy.init(context=context)
    made = Node('planner', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(made)
    spinner = threading.Thread(target=executor.spin)
    spinner.start()
    yield made
    executor.shutdown()
    spinner.join()
    made.destroy_node()
    rclpy.shutdown(context=context)


def publish_in_turn(
    node: Node, depths: tuple[list[list[int]], ...], ending: threading.Event
) -> None:
    publisher = node.create_publisher(Image, 'depth', qos_profile_sensor_data)
    number = 0
    while not ending.wait(0.02):
        values = np.array(depths[number % len(depths)], np.uint16)
        height, width = values.shape
        message = Image(height=height, width=width, encoding='16UC1', step=2 * width)
        message.header.stamp = node.get_clock().now().to_msg()
        message.header.frame_id = 'head'
        message.data = values.tobytes()
        publisher.publish(message)
        number += 1


@pytest.fixture
def measured(node: Node, request: pytest.FixtureRequest) -> Iterator[CameraClient]:
    """A client of a camera that sends depth images in turn."""
    ending = threading.Event()
    camera = CameraClient(node, Waiting(node.get_clock(), threading.Event(), 20.0))
    assert not camera.has_depth
    thread = threading.Thread(target=publish_in_turn, args=(node, request.param, ending))
    thread.start()
    wait_until(lambda: camera.has_depth)
    yield camera
    ending.set()
    thread.join()


@pytest.mark.parametrize('measured', [DEPTHS], indirect=True)
def test_depth_is_the_median_of_what_is_known(measured: CameraClient) -> None:
    depth = measured.depth(3)
    assert depth.values[0, 0] == pytest.approx(0.731)
    assert np.isnan(depth.values[0, 1])
    # Of two known values, the nearer one.
    assert depth.values[0, 2] == pytest.approx(0.610)
    assert depth.frame_id == 'head'


@pytest.mark.parametrize('measured', [(*DEPTHS[:1], [[731, 744]])], indirect=True)
def test_depth_of_different_sizes_is_refused(measured: CameraClient) -> None:
    with pytest.raises(AfformerError, match='depth images have the sizes'):
        measured.depth(2)
