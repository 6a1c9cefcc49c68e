# SPDX-License-Identifier: Apache-2.0
"""Clients of the camera: its pose, and images and depth newer than the request for them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, Transform, Vector3
from numpy.typing import NDArray
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from afformer_core.errors import AfformerError
from afformer_core.geometry.camera import Calibration, DepthImage, is_rectified
from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.messages.image_decoding import to_depth, to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.client import NoAnswerError
from afformer_ros.msg import Affordance
from afformer_ros.planner.contacts import NoPositionError
from afformer_ros.planner.waiting import Waiting
from afformer_ros.topic_subscription import IMAGE_KINDS, InputQuality, TopicSubscription

# Seconds for the pose of a camera to appear.
_FOLLOWING = 1.0
# Nanoseconds between two poses of a camera that publishes continuously.
_STREAM_GAP = 10**9
# Largest difference between poses of a camera at rest: metres, and elements of a rotation matrix.
_STILL = 1e-3
# Maximum number of poses that wait for a busy planner.
_QUEUE = 100
_WARNING_PERIOD = 5.0
# Seconds for the images to arrive.
_PATIENCE = 10.0
_WIDTH = 640


class BaseTransforms:
    """The transforms of positions to the frame of the arm's base, from `camera_pose`.

    A pose applies from its stamp on, until another one is published. A camera whose pose changes
    within a second of the previous one is moving, and its pose is known one second after that.

    Args:
        node: node with the subscription; it must be spun by another thread.
        waiting: waits of the planner.
        base: frame of the arm's base.
        camera: optical frame of the camera whose pose is published; empty: `camera_pose` is not
            used.
    """

    def __init__(self, node: Node, waiting: Waiting, base: str, camera: str) -> None:
        self._node = node
        self._waiting = waiting
        self._base = base
        self._camera = camera
        # The pose, and nanoseconds since when it is known; replaced as one by another thread.
        self._known: tuple[RigidTransform, int] | None = None
        # Nanoseconds of the newest message.
        self._newest = 0
        if camera:
            quality = QoSProfile(depth=_QUEUE, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
            node.create_subscription(PoseStamped, 'camera_pose', self._take, quality)

    def target_frame(self, seconds: float) -> str:
        """Return the frame to request: the camera's if its pose is known, or else the base's.

        Args:
            seconds: seconds to wait for the camera's pose; 0: only if it has a publisher.
        """
        if not self._camera or self._camera == self._base:
            return self._base
        if seconds or self._node.count_publishers('camera_pose'):
            self._waiting.until(lambda: self._known is not None, seconds or _FOLLOWING)
        return self._base if self._known is None else self._camera

    def camera_pose(self) -> RigidTransform | None:
        """Return the newest transform from the frame of the camera to that of the base, if any."""
        return None if self._known is None else self._known[0]

    def of(self, affordance: Affordance) -> tuple[RigidTransform, NDArray[np.float64] | None]:
        """Return the transform of an affordance's positions, and the position of its camera.

        Returns:
            transform to the frame of the base; and the position in that frame, [3], of the camera
            that took the image, or None if it is not known.

        Raises:
            NoPositionError: positions are neither in the frame of the base nor in that of the
                camera, or the camera's pose at their time is not known.
        """
        frame, image_frame = affordance.position_frame, affordance.header.frame_id
        stamp = stamp_nanoseconds(affordance.position_stamp)
        if frame == self._base:
            to_base = RigidTransform(np.eye(3), np.zeros(3))
        elif frame == self._camera and frame:
            to_base = self._pose_at(stamp)
        else:
            expected = ' or '.join(name for name in (self._base, self._camera) if name)
            raise NoPositionError(
                f'positions are in {frame!r}; expected {expected}. Set base_frame and camera_frame'
            )
        # The camera is at the origin of its own frame.
        return to_base, to_base.translation if frame == image_frame else None

    def _pose_at(self, stamp: int) -> RigidTransform:
        known = self._known
        if known is None:
            raise NoPositionError('there is no camera_pose')
        pose, since = known
        if stamp < since:
            raise NoPositionError(
                f'the pose of the camera is known {(since - stamp) * 1e-9:.3f} s after the image; '
                'expected a camera at rest. For a camera that moves, set camera_frame to nothing: '
                'positions then come from tf2'
            )
        return pose

    def _take(self, message: PoseStamped) -> None:
        frame = message.header.frame_id
        problem = f'it is in {frame!r}; expected {self._base}' if frame != self._base else ''
        if not problem:
            try:
                self._add(stamp_nanoseconds(message.header.stamp), _transform(message))
            except TransformError as error:
                problem = str(error)
        if problem:
            self._node.get_logger().warning(
                f'camera_pose is ignored: {problem}', throttle_duration_sec=_WARNING_PERIOD
            )

    def _add(self, stamp: int, pose: RigidTransform) -> None:
        before, passed = self.camera_pose(), stamp - self._newest
        self._newest = stamp
        if before is None or passed < 0:
            self._known = pose, stamp
        elif (
            np.abs(pose.translation - before.translation).max() >= _STILL
            or np.abs(pose.rotation - before.rotation).max() >= _STILL
        ):
            self._known = pose, stamp + (_STREAM_GAP if passed <= _STREAM_GAP else 0)


def _transform(message: PoseStamped) -> RigidTransform:
    at = message.pose.position
    return RigidTransform.from_message(
        Transform(translation=Vector3(x=at.x, y=at.y, z=at.z), rotation=message.pose.orientation)
    )


class CameraClient:
    """A client of the topics `image`, `depth` and `camera_info`, which keeps what is requested.

    Args:
        node: node with the subscriptions; it must be spun by another thread.
        waiting: waits of the planner.
    """

    def __init__(self, node: Node, waiting: Waiting) -> None:
        self._info = CameraInfo()
        group = MutuallyExclusiveCallbackGroup()
        self._image = _RequestedMessages(node, 'image', waiting, group)
        self._depth = _RequestedMessages(node, 'depth', waiting, group)
        node.create_subscription(
            CameraInfo, 'camera_info', self._take_info, qos_profile_sensor_data
        )

    @property
    def focal_length(self) -> float | None:
        """Focal length in pixels; None if it is not known."""
        return float(self._info.k[0]) or None

    @property
    def width(self) -> int:
        """Width of the images in pixels; 640 before it is known."""
        return int(self._info.width) or _WIDTH

    @property
    def has_depth(self) -> bool:
        """Whether `depth` has a publisher."""
        return self._depth.offered

    def calibration(self) -> Calibration:
        """Return the calibration of the camera.

        Raises:
            CalibrationError: none has arrived, or it is not valid.
        """
        rectified = is_rectified('auto', self._image.topic_name)
        return Calibration.from_message(self._info, rectified=rectified)

    def images(self, count: int) -> list[NDArray[np.uint8]]:
        """Wait for images that are taken after this call, uint8 RGB [H, W, 3].

        Raises:
            NoAnswerError: too few arrive, or the planner is stopped.
        """
        return [to_rgb(message) for message in self._image.next(count)]

    def depth(self, count: int) -> DepthImage:
        """Return the median of depth images that are taken after this call.

        Raises:
            NoAnswerError: too few arrive, or the planner is stopped.
            AfformerError: they are no depth images, or of different sizes.
        """
        images = [to_depth(message) for message in self._depth.next(count)]
        if len({image.size for image in images}) > 1:
            raise AfformerError(
                f'depth images have the sizes {[image.size for image in images]}; expected one'
            )
        stacked = np.stack([image.values for image in images])
        return replace(images[-1], measured=_median(stacked))

    def _take_info(self, message: CameraInfo) -> None:
        self._info = message


class _RequestedMessages:
    """Messages of one topic that are newer than the request for them."""

    def __init__(self, node: Node, topic: str, waiting: Waiting, group: CallbackGroup) -> None:
        self._node = node
        self._topic = topic
        self._waiting = waiting
        self._lock = threading.Lock()
        self._since: int | None = None
        self._messages: list[Any] = []
        quality = InputQuality(QoSProfile(depth=1), follows_publishers=True)
        self._subscription = TopicSubscription(
            node, topic, IMAGE_KINDS['auto'], quality, self._take, group
        )

    @property
    def topic_name(self) -> str:
        """Name after namespace and remapping."""
        return self._subscription.topic_name

    @property
    def offered(self) -> bool:
        """Whether the topic has a publisher."""
        return self._node.count_publishers(self.topic_name) > 0

    def next(self, count: int) -> list[Any]:
        """Wait for messages that are stamped after this call.

        Raises:
            NoAnswerError: too few arrive, or the planner is stopped.
        """
        with self._lock:
            self._messages.clear()
            self._since = self._waiting.now()
        reason = self._waiting.until(lambda: len(self._messages) >= count, _PATIENCE)
        with self._lock:
            self._since = None
            messages = self._messages[:count]
            self._messages.clear()
        if reason:
            raise NoAnswerError(
                f'{len(messages)} of {count} images arrived on {self.topic_name}: {reason}; '
                f'expected images that are newer than the request. Remap {self._topic} to the '
                'topic of the camera'
            )
        return messages

    def _take(self, message: Any) -> None:
        with self._lock:
            if self._since is not None and stamp_nanoseconds(message.header.stamp) >= self._since:
                self._messages.append(message)


def _median(depths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the median over the first axis of the values that are known, NaN without any."""
    known = np.sort(depths, axis=0)
    middle = np.maximum(np.isfinite(depths).sum(axis=0) - 1, 0) // 2
    return np.asarray(np.take_along_axis(known, middle[None], axis=0)[0], np.float32)
