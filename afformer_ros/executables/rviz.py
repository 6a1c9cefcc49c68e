# SPDX-License-Identifier: Apache-2.0
"""The executable `rviz`: RViz with the frame of the images as its fixed frame.

ros2 run afformer_ros rviz -d ground.rviz --ros-args -r /image:=/camera/image_raw
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rclpy
from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions

from afformer_ros.environment import prepare_environment
from afformer_ros.topic_subscription import IMAGE_KINDS, InputQuality, TopicSubscription

# Name of the topic in the configuration of RViz.
_TOPIC = '/image'
_OF_THE_IMAGES = 'auto'
_POLL_PERIOD = 0.1
_REMINDER_PERIOD = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Wait for the frame of an image and execute RViz; return the exit status on failure."""
    options, passed_on = _parser().parse_known_args(arguments)
    try:
        program = Path(get_package_prefix('rviz2')) / 'lib' / 'rviz2' / 'rviz2'
    except PackageNotFoundError:
        print(
            'afformer: error: rviz2 is not installed. Run: sudo apt install '
            f'ros-{os.environ.get("ROS_DISTRO", "<distribution>")}-rviz2',
            file=sys.stderr,
        )
        return 1
    prepare_environment()
    frame = options.fixed_frame
    if frame == _OF_THE_IMAGES:
        found = _frame_of_the_first_image(passed_on)
        if found is None:
            return 0
        frame = found
    # Options of RViz must precede --ros-args. Without a frame of the images, RViz uses its
    # default.
    chosen = ['--fixed-frame', frame] if frame else []
    sys.stdout.flush()
    os.execv(program, [str(program), *chosen, *passed_on])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='ros2 run afformer_ros rviz',
        description='Start RViz with the frame of the first image as its fixed frame. All other '
        'arguments are passed to RViz.',
        epilog='example: ros2 run afformer_ros rviz -d ground.rviz --ros-args '
        '-r /image:=/camera/image_raw',
        allow_abbrev=False,
    )
    parser.add_argument(
        '-f',
        '--fixed-frame',
        metavar='FRAME',
        default=_OF_THE_IMAGES,
        help=f'fixed frame; {_OF_THE_IMAGES}: the frame of the images (default: {_OF_THE_IMAGES})',
    )
    return parser


def _frame_of_the_first_image(arguments: Sequence[str]) -> str | None:
    """Wait for an image without a time limit; return its frame, empty if it names none.

    Return None if SIGINT or SIGTERM arrives first.
    """
    # rclpy's own handlers would shut the context down while the node is about to wait.
    rclpy.init(args=['rviz', *arguments], signal_handler_options=SignalHandlerOptions.NO)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    node = Node('rviz_frame')
    frames: list[str] = []

    def see(message: Any) -> None:
        frames.append(message.header.frame_id)

    subscription = TopicSubscription(
        node,
        _TOPIC,
        IMAGE_KINDS['auto'],
        InputQuality(QoSProfile(depth=1), follows_publishers=True),
        see,
        MutuallyExclusiveCallbackGroup(),
    )
    try:
        while not frames and not ended.is_set():
            node.get_logger().info(
                f'RViz starts with the first image on {subscription.topic_name}, in its frame. '
                'Set rviz_frame or --fixed-frame to start it at once',
                throttle_duration_sec=_REMINDER_PERIOD,
            )
            rclpy.spin_once(node, timeout_sec=_POLL_PERIOD)
        if frames:
            node.get_logger().info(f'RViz shows the frame {frames[0]!r}')
    finally:
        subscription.destroy()
        node.destroy_node()
        rclpy.try_shutdown()
    return frames[0] if frames else None


if __name__ == '__main__':
    sys.exit(main())
