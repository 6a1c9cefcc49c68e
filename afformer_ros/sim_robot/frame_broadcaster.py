# SPDX-License-Identifier: Apache-2.0
"""Static transforms, broadcast by tf2 if it is installed."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import PoseStamped, TransformStamped
from rclpy.node import Node


class FrameBroadcaster:
    """Broadcaster of static transforms on `/tf_static`; does nothing without tf2.

    Args:
        node: node that broadcasts.
    """

    def __init__(self, node: Node) -> None:
        self._broadcaster: Any = None
        try:
            from tf2_ros import StaticTransformBroadcaster
        except ImportError:
            node.get_logger().info(
                'tf2_ros is not installed; only camera_pose publishes the frames'
            )
        else:
            self._broadcaster = StaticTransformBroadcaster(node)

    def send(self, pose: PoseStamped, child: str) -> None:
        """Broadcast the pose of a frame in that of its header."""
        if self._broadcaster is None:
            return
        message = TransformStamped(header=pose.header, child_frame_id=child)
        shift, point = message.transform.translation, pose.pose.position
        shift.x, shift.y, shift.z = point.x, point.y, point.z
        message.transform.rotation = pose.pose.orientation
        self._broadcaster.sendTransform(message)
