# SPDX-License-Identifier: Apache-2.0
"""A camera of 200 MB/s as a process of its own: `python image_flood.py NAMESPACE SECONDS`."""

import sys
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import Image

from afformer_core.messages.image_encoding import image_message
from afformer_ros.environment import prepare_environment
from afformer_ros.rclpy_messages import RclpyMessages

WIDTH, HEIGHT, RATE = 1920, 1080, 32.0


def main(namespace: str, seconds: float) -> None:
    prepare_environment()
    rclpy.init()
    node = rclpy.create_node('flood', namespace=namespace)
    publisher = node.create_publisher(
        Image,
        'image',
        QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT),
    )
    while not publisher.get_subscription_count():
        time.sleep(0.05)
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    header = RclpyMessages().create('std_msgs/msg/Header', frame_id='flood')
    message = image_message(RclpyMessages(), image, 'rgb8', header)
    begin = time.monotonic()
    count = 0
    while (now := time.monotonic()) < begin + seconds:
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        count += 1
        time.sleep(max(0.0, begin + count / RATE - time.monotonic()))
    print(count * image.nbytes / (now - begin) / 1e6)
    rclpy.shutdown()


if __name__ == '__main__':
    main(sys.argv[1], float(sys.argv[2]))
