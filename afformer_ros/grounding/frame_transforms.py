# SPDX-License-Identifier: Apache-2.0
"""Transforms from the camera to another frame, by tf2 where it is installed."""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.outputs.outputs import Placement

# A transform is often published a little after the image that it belongs to.
_PATIENCE = 0.03
_POLL = 0.003


class FrameTransforms:
    """Looks up where positions are published, at the stamp of each image.

    Args:
        node: node that listens to the transforms; it must be spun by another thread.
        target_frame: frame of all positions; empty: that of each image.
    """

    def __init__(self, node: Node, target_frame: str) -> None:
        self._node = node
        self._target = target_frame
        self._buffer: Any = None
        self._listener: Any = None
        self.problem = ''
        if target_frame:
            self._listen(node)

    def placement(self, header: Header) -> Placement:
        """Find the frame that positions of an image are published in."""
        source = header.frame_id
        if not self._target or self._target == source:
            return Placement(source)
        if self._buffer is None:
            return Placement(self._target, None, self.problem)
        try:
            stamp = Time.from_msg(header.stamp)
            self._wait_for_transform(source, stamp)
            found = self._buffer.lookup_transform(self._target, source, stamp)
            transform = RigidTransform.from_message(found.transform)
        # rclpy has no time before the epoch.
        except (self._errors, TransformError, ValueError) as error:
            self.problem = f'no transform from {source!r} to {self._target!r}: {error}'
            return Placement(self._target, None, self.problem)
        self.problem = ''
        return Placement(self._target, transform)

    def destroy(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.unregister()
            self._node.destroy_service(self._buffer.srv)

    def _wait_for_transform(self, source: str, stamp: Time) -> None:
        # The patience of tf2 itself has no end while a simulated clock stands still.
        end = time.monotonic() + _PATIENCE
        while not self._buffer.can_transform(self._target, source, stamp):
            if time.monotonic() >= end:
                return
            time.sleep(_POLL)

    def _listen(self, node: Node) -> None:
        try:
            import tf2_ros
        except ImportError as error:
            self.problem = (
                f'target_frame is {self._target!r}, but tf2_ros cannot be used: {error}; install '
                'it or leave target_frame empty'
            )
            node.get_logger().error(self.problem)
            return
        self._errors: Any = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer(node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)
