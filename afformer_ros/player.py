# SPDX-License-Identifier: Apache-2.0
"""The executable `player`: `ros2 run afformer_ros player --ros-args -p path:=clip.mp4`."""

from __future__ import annotations

import sys

from rclpy.executors import SingleThreadedExecutor

from afformer_ros.player_node import PlayerNode
from afformer_ros.process import run_node


def main(arguments: list[str] | None = None) -> int:
    """Run the node to the last frame; returns its exit status."""
    errors: list[str] = []

    def close(node: PlayerNode) -> bool:
        ended = node.close()
        if node.error:
            errors.append(node.error)
        return ended

    status = run_node(arguments, PlayerNode, SingleThreadedExecutor, close)
    for error in errors:
        print(f'afformer: error: {error}', file=sys.stderr)
    return 1 if errors else status


if __name__ == '__main__':
    sys.exit(main())
