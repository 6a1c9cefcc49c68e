# SPDX-License-Identifier: Apache-2.0
"""A camera as a process: `python camera_process.py TOPIC RELIABILITY COUNT RATE WIDTH HEIGHT`.

It sends its images once somebody subscribes; the environment chooses the transports.
"""

import sys
import time

import numpy as np
import rclpy
from rclpy.duration import Duration
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image

from afformer_core.messages.image_encoding import image_message
from afformer_ros.rclpy_messages import RclpyMessages

# Seconds in which both sides learn of each other.
DISCOVERY = 1.0


def main(topic: str, reliability: str, count: int, rate: float, size: tuple[int, int]) -> None:
    rclpy.init()
    node = rclpy.create_node('camera')
    policy = QoSReliabilityPolicy[reliability]
    publisher = node.create_publisher(Image, topic, QoSProfile(depth=10, reliability=policy))
    # The node may yet have the reliability of an earlier camera.
    while not any(
        one.qos_profile.reliability == policy
        for one in node.get_subscriptions_info_by_topic(publisher.topic_name)
    ):
        time.sleep(0.02)
    time.sleep(DISCOVERY)
    width, height = size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    header = RclpyMessages().create('std_msgs/msg/Header', frame_id='camera')
    message = image_message(RclpyMessages(), image, 'rgb8', header)
    begin = time.monotonic()
    for number in range(count):
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        time.sleep(max(0.0, begin + (number + 1) / rate - time.monotonic()))
    if policy == QoSReliabilityPolicy.RELIABLE:
        publisher.wait_for_all_acked(Duration(seconds=10))
    print('all images are sent', flush=True)
    # The node is to see the publisher until the test has read its diagnostics.
    sys.stdin.read()
    rclpy.shutdown()


if __name__ == '__main__':
    given = sys.argv
    main(given[1], given[2], int(given[3]), float(given[4]), (int(given[5]), int(given[6])))
