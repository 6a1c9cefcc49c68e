# SPDX-License-Identifier: Apache-2.0
"""A client of the camera: images and depth that are newer than the request for them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from afformer_core.errors import AfformerError
from afformer_core.geometry.camera import Calibration, DepthImage, is_rectified
from afformer_core.messages.image_decoding import to_depth, to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.planner.answers import NoAnswerError
from afformer_ros.planner.waiting import Waiting
from afformer_ros.quality_of_service import InputQuality
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription

# Seconds for the images to arrive.
_PATIENCE = 10.0
_WIDTH = 640


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
