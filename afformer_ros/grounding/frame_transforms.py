# SPDX-License-Identifier: Apache-2.0
"""Transforms from the camera to another frame, through tf2 if it is installed."""

from __future__ import annotations

import time
from typing import Any

from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.results import FramePlacements, Placement

# A transform is often published shortly after its image.
_PATIENCE = 0.03
_POLL = 0.003
# Maximum age, relative to a stamp, of transforms that are still being published, in nanoseconds;
# older ones have ended.
_RECENT = 10**9


class FrameTransforms:
    """The lookup of the frame of positions, and of its vertical, at the stamp of each image.

    Args:
        node: node that listens to the transforms; it must be spun by another thread.
        target_frame: frame of all positions; empty: the frame of each image.
        vertical_frame: frame whose z axis points up; empty: see `FramePlacements`.
    """

    def __init__(self, node: Node, target_frame: str, vertical_frame: str = '') -> None:
        self._node = node
        self._placements = FramePlacements(self._look_up, target_frame, vertical_frame)
        self._buffer: Any = None
        self._listener: Any = None
        self._missing = ''
        self.problem = ''
        if target_frame or vertical_frame:
            self.listen()

    @property
    def status(self) -> str:
        """Whether positions are transformed, for diagnostics."""
        return 'not used: target_frame is empty' if self._buffer is None else 'known'

    def placement(self, header: Header) -> Placement:
        """Look up the frame in which positions of an image are published, and its vertical."""
        placement = self._placements.placement(header.frame_id, stamp_nanoseconds(header.stamp))
        self.problem = placement.missing_transform
        return placement

    def placement_in(self, frame: str, header: Header) -> Placement:
        """Look up another frame than the target frame, after a call of `listen`."""
        stamp = stamp_nanoseconds(header.stamp)
        return self._placements.placement_in(frame, header.frame_id, stamp)

    def listen(self) -> None:
        """Start to listen to transforms, if that has not happened."""
        if self._buffer is not None:
            return
        try:
            import tf2_ros
        except ImportError as error:
            self._missing = (
                f'tf2_ros cannot be used: {error}; install it, or leave target_frame and '
                'vertical_frame empty'
            )
            return
        self._errors: Any = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer(node=self._node)
        self._listener = tf2_ros.TransformListener(self._buffer, self._node)

    def destroy(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.unregister()
            self._node.destroy_service(self._buffer.srv)
            # The clock of the node would keep the buffer alive; before Jazzy there is no handle.
            if (jumps := getattr(self._buffer, 'jump_handle', None)) is not None:
                jumps.unregister()

    def _look_up(self, target: str, source: str, stamp: int) -> RigidTransform:
        """Look up the transform from one frame to another at a stamp, nanoseconds.

        Raises:
            TransformError: it is not known, or not rigid.
        """
        if self._buffer is None:
            # The frame of the image itself needs no tf2, and is never looked up.
            self._node.get_logger().error(
                f'there is no transform to {target!r}: {self._missing}', once=True
            )
            raise TransformError(self._missing)
        try:
            at = Time(nanoseconds=stamp)
            self._wait_for_transform(target, source, at)
            found = self._buffer.lookup_transform(target, source, at)
        # rclpy does not support times before the epoch.
        except (self._errors, ValueError) as error:
            raise TransformError(str(error)) from error
        return RigidTransform.from_message(found.transform)

    def _wait_for_transform(self, target: str, source: str, at: Time) -> None:
        # The timeout of tf2 itself never expires while a simulated clock stands still.
        end = time.monotonic() + _PATIENCE
        while not self._buffer.can_transform(target, source, at):
            if time.monotonic() >= end or not self._is_on_its_way(target, source, at):
                return
            time.sleep(_POLL)

    def _is_on_its_way(self, target: str, source: str, at: Time) -> bool:
        """Check whether the transforms between two frames may soon reach a stamp."""
        try:
            newest = self._buffer.get_latest_common_time(target, source)
        except self._errors:
            return False
        return 0 < at.nanoseconds - int(newest.nanoseconds) < _RECENT
