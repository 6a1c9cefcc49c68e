# SPDX-License-Identifier: Apache-2.0
"""A client of the camera: images that are newer than the request for them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_ros.image_subscription import ImageSubscription
from afformer_ros.planner.answers import NoAnswerError
from afformer_ros.planner.waiting import Waiting
from afformer_ros.quality_of_service import InputQuality

# Seconds for the images to arrive.
_PATIENCE = 10.0
_WIDTH = 640


class CameraClient:
    """A client of the topics `image` and `camera_info`, which keeps only requested images.

    Args:
        node: node with the subscriptions; it must be spun by another thread.
        waiting: waits of the planner.
    """

    def __init__(self, node: Node, waiting: Waiting) -> None:
        self._waiting = waiting
        self._lock = threading.Lock()
        self._since: int | None = None
        self._messages: list[Any] = []
        self._info = CameraInfo()
        group = MutuallyExclusiveCallbackGroup()
        quality = InputQuality(QoSProfile(depth=1), follows_publishers=True)
        self._image = ImageSubscription(node, 'image', 'auto', quality, self._take, group)
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

    def images(self, count: int) -> list[NDArray[np.uint8]]:
        """Wait for images that are taken after this call, uint8 RGB [H, W, 3].

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
                f'{len(messages)} of {count} images arrived on {self._image.topic_name}: '
                f'{reason}; expected images that are newer than the request. Remap image to the '
                'topic of the camera'
            )
        return [to_rgb(message) for message in messages]

    def _take(self, message: Any) -> None:
        with self._lock:
            if self._since is not None and stamp_nanoseconds(message.header.stamp) >= self._since:
                self._messages.append(message)

    def _take_info(self, message: CameraInfo) -> None:
        self._info = message
