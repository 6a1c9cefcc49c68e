# SPDX-License-Identifier: Apache-2.0
"""Depth that comes much faster than images are grounded: every result has its position."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import rclpy
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image

from afformer_core.messages.image_encoding import image_message
from afformer_core.runtime import ArrayGrounder
from afformer_ros.grounding.grounding_node import GroundingNode
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.service_pool_executor import ServicePoolExecutor

WIDTH, HEIGHT = 64, 48
DEPTH_RATE, DEPTHS_PER_IMAGE = 90.0, 6
INFERENCE = 0.32
RESULTS = 4


@pytest.fixture
def slow_client(nodes, random_model, tmp_path, monkeypatch):
    """Client of a node whose model takes 0.32 s for an image."""
    predict = ArrayGrounder.predict

    def predict_slowly(self, *arguments):
        time.sleep(INFERENCE)
        return predict(self, *arguments)

    monkeypatch.setattr(ArrayGrounder, 'predict', predict_slowly)
    context = rclpy.Context()
    rclpy.init(context=context)
    values = {
        'model': str(random_model),
        'backend': 'torch',
        'threads': 1,
        'store_folder': str(tmp_path / 'store'),
        'minimum_presence': 0.0,
        'minimum_confidence': 0.0,
        'minimum_feature_similarity': -1.0,
        'minimum_continuity': -1.0,
        'trim_demonstrations': False,
    }
    parameters = [Parameter(name, value=value) for name, value in values.items()]
    node = GroundingNode(namespace='/slow', context=context, parameter_overrides=parameters)
    executor = ServicePoolExecutor(4, context)
    executor.add_node(node)
    ended = threading.Event()

    def spin():
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)

    spinner = threading.Thread(target=spin)
    spinner.start()
    client = nodes.client('/slow')
    client.bring_up()
    yield client
    ended.set()
    spinner.join()
    node.close()
    executor.shutdown(1.0)
    node.destroy_node()
    context.try_shutdown()


class FastDepthCamera:
    """Sends depth at 90 Hz, with every sixth an image, in a thread of its own."""

    def __init__(self, client):
        self._client = client
        self._depths = client.node.create_publisher(Image, 'depth', 10)
        self._infos = client.node.create_publisher(CameraInfo, 'camera_info', 10)
        for publisher in (self._depths, self._infos):
            client.wait(publisher.get_subscription_count, publisher.topic_name)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        depth = np.full((HEIGHT, WIDTH), 0.8, np.float32)
        info = CameraInfo(width=WIDTH, height=HEIGHT, distortion_model='plumb_bob', d=[0.0] * 5)
        info.k = [60.0, 0.0, 31.5, 0.0, 60.0, 23.5, 0.0, 0.0, 1.0]
        begin, number = time.monotonic(), 0
        while not self._ended.wait(max(0.0, begin + number / DEPTH_RATE - time.monotonic())):
            info.header.stamp = self._client.node.get_clock().now().to_msg()
            info.header.frame_id = 'camera'
            self._infos.publish(info)
            self._depths.publish(image_message(RclpyMessages(), depth, '32FC1', info.header))
            if number % DEPTHS_PER_IMAGE == 0:
                message = self._client.image_message(number, width=WIDTH, height=HEIGHT)
                message.header = info.header
                self._client.images.publish(message)
            number += 1


def test_depth_at_90_hz_beside_an_inference_of_320_ms(slow_client):
    slow_client.record('press')
    with FastDepthCamera(slow_client):
        slow_client.wait(lambda: len(slow_client.affordances) > RESULTS, 'the results')
    problems = [one.points[0].position_problem for one in slow_client.affordances]
    assert problems == [''] * len(problems)
