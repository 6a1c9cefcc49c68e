# SPDX-License-Identifier: Apache-2.0
"""A subscription to images that are raw or compressed, as the publisher sends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup

# rclpy.clock_type, where the type lives now, does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image

_TYPES = {'raw': Image, 'compressed': CompressedImage}
_NAMES = {'raw': 'sensor_msgs/msg/Image', 'compressed': 'sensor_msgs/msg/CompressedImage'}
_LOOK_PERIOD = 0.5


class ImageSubscription:
    """Calls back with every image of a topic.

    With the type 'auto' it starts with raw images and follows the type of the publishers: where
    only the other type is offered, it subscribes to that instead.

    Args:
        node: that subscribes.
        topic: relative name.
        image_type: 'raw', 'compressed' or 'auto'.
        qos: of the subscription, unless parameters `qos_overrides` say otherwise.
        callback: gets the message.
        group: in which `callback` runs.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        image_type: str,
        qos: QoSProfile,
        callback: Callable[[Any], None],
        group: CallbackGroup,
    ) -> None:
        self._node = node
        self._topic = topic
        self._callback = callback
        self._group = group
        self._timer: Timer | None = None
        self._type = 'raw' if image_type == 'auto' else image_type
        self.qos = qos
        self._subscription = self._subscribe()
        if image_type == 'auto':
            self._follow_publishers()
            # The publishers of a simulation that stands still are found all the same.
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = node.create_timer(
                _LOOK_PERIOD, self._follow_publishers, group, clock=steady
            )

    @property
    def message_type(self) -> str:
        """Type of the messages that are subscribed to."""
        return _NAMES[self._type]

    @property
    def topic_name(self) -> str:
        """Name of the topic after namespace and remapping."""
        return self._subscription.topic_name

    def destroy(self) -> None:
        """End the subscription."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._subscription)

    def _subscribe(self) -> Subscription[Any]:
        return self._node.create_subscription(
            _TYPES[self._type],
            self._topic,
            self._callback,
            self.qos,
            callback_group=self._group,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def _follow_publishers(self) -> None:
        offered = {
            info.topic_type for info in self._node.get_publishers_info_by_topic(self.topic_name)
        }
        other = 'compressed' if self._type == 'raw' else 'raw'
        if _NAMES[other] in offered and _NAMES[self._type] not in offered:
            # Both types at once on one topic are refused by the middleware.
            self._node.destroy_subscription(self._subscription)
            self._type = other
            self._subscription = self._subscribe()
            self._node.get_logger().info(f'{self.topic_name} carries {_NAMES[other]}')
