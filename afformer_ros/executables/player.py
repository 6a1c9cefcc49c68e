# SPDX-License-Identifier: Apache-2.0
"""The executable `player`: `ros2 run afformer_ros player --ros-args -p path:=clip.mp4`."""

from __future__ import annotations

import sys

from rclpy.executors import SingleThreadedExecutor

from afformer_ros.player.player_node import PlayerNode
from afformer_ros.process import check_arguments, run_node


def main(arguments: list[str] | None = None) -> int:
    """Run the node until the last frame; return its exit status."""
    check_arguments(
        arguments,
        'Publish a video, an image or a folder of images on the topic image, like a camera. '
        'ros2 param describe describes its parameters.',
        'player',
        '-p path:=clip.mp4 -r image:=demonstration',
    )
    return run_node(arguments, PlayerNode, SingleThreadedExecutor)


if __name__ == '__main__':
    sys.exit(main())
