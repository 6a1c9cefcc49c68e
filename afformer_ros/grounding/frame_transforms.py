# SPDX-License-Identifier: Apache-2.0
"""Transforms from the camera to another frame, by tf2 where it is installed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from afformer_core.geometry.motion import UNKNOWN_VERTICAL, Vertical
from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.outputs.placement import Placement

# A transform is often published a little after the image that it belongs to.
_PATIENCE = 0.03
_POLL = 0.003
# Ends of the names of optical frames in REP 103, and of those of some drivers.
_OPTICAL = ('_optical', '_optical_frame')
_Z = np.array([0.0, 0.0, 1.0])


class FrameTransforms:
    """Looks up where positions are published, and which way is up, at the stamp of each image.

    Args:
        node: node that listens to the transforms; it must be spun by another thread.
        target_frame: frame of all positions; empty: that of each image.
        vertical_frame: frame whose z axis points up; empty: the target frame, unless its name
            says that it is an optical one, whose z axis points ahead (REP 103).
    """

    def __init__(self, node: Node, target_frame: str, vertical_frame: str = '') -> None:
        self._node = node
        self._target = target_frame
        self._vertical = vertical_frame or _upright(target_frame)
        self._buffer: Any = None
        self._listener: Any = None
        self._missing = ''
        self.problem = ''
        given = {'target_frame': target_frame, 'vertical_frame': vertical_frame}
        if target_frame or vertical_frame:
            self._listen({name: frame for name, frame in given.items() if frame})

    def placement(self, header: Header) -> Placement:
        """Find the frame that positions of an image are published in, and its vertical."""
        placement = self._placement(self._target or header.frame_id, self._vertical, header)
        vertical_problem = placement.vertical.problem if self._vertical else ''
        self.problem = placement.problem or vertical_problem
        return placement

    def placement_in(self, frame: str, header: Header) -> Placement:
        """Find another frame than the target frame, to which `listen_for` has listened."""
        return self._placement(frame, self._vertical or _upright(frame), header)

    def listen_for(self, frame: str) -> None:
        """Listen to the transforms from now on, because a frame is asked for."""
        if self._buffer is None and not self._missing:
            self._listen({'target_frame': frame})

    def destroy(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.unregister()
            self._node.destroy_service(self._buffer.srv)

    def _placement(self, frame: str, vertical_frame: str, header: Header) -> Placement:
        try:
            transform = self._transform(frame, header.frame_id, header)
        except TransformError as error:
            return Placement(frame, None, str(error))
        vertical = self._vertical_in(frame, vertical_frame, header)
        return Placement(frame, transform, vertical=vertical)

    def _vertical_in(self, frame: str, vertical_frame: str, header: Header) -> Vertical:
        if not vertical_frame:
            return UNKNOWN_VERTICAL
        try:
            transform = self._transform(frame, vertical_frame, header)
        except TransformError as error:
            return Vertical(None, str(error))
        return Vertical(_Z if transform is None else transform.vector(_Z), '')

    def _transform(self, target: str, source: str, header: Header) -> RigidTransform | None:
        """Look up the transform from one frame to another; None where they are the same.

        Raises:
            TransformError: it is not known, or not rigid.
        """
        if target == source:
            return None
        if self._buffer is None:
            raise TransformError(self._missing)
        try:
            stamp = Time.from_msg(header.stamp)
            self._wait_for_transform(target, source, stamp)
            found = self._buffer.lookup_transform(target, source, stamp)
            return RigidTransform.from_message(found.transform)
        # rclpy has no time before the epoch.
        except (self._errors, TransformError, ValueError) as error:
            raise TransformError(f'no transform from {source!r} to {target!r}: {error}') from error

    def _wait_for_transform(self, target: str, source: str, stamp: Time) -> None:
        # The patience of tf2 itself has no end while a simulated clock stands still.
        end = time.monotonic() + _PATIENCE
        while not self._buffer.can_transform(target, source, stamp):
            if time.monotonic() >= end:
                return
            time.sleep(_POLL)

    def _listen(self, frames: Mapping[str, str]) -> None:
        """Begin to listen, for frames by what asks for them."""
        try:
            import tf2_ros
        except ImportError as error:
            name, frame = next(iter(frames.items()))
            self._missing = (
                f'{name} is {frame!r}, but tf2_ros cannot be used: {error}; install it or leave '
                f'{" and ".join(frames)} empty'
            )
            self.problem = self._missing
            self._node.get_logger().error(self._missing)
            return
        self._errors: Any = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer(node=self._node)
        self._listener = tf2_ros.TransformListener(self._buffer, self._node)


def _upright(frame: str) -> str:
    """Return the frame where its z axis points up; '' where its name says that it is optical."""
    return '' if frame.endswith(_OPTICAL) else frame
