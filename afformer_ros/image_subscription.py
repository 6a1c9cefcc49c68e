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

from afformer_ros.topic_watch import TopicWatch

_TYPES = {'raw': Image, 'compressed': CompressedImage}
_NAMES = {'raw': 'sensor_msgs/msg/Image', 'compressed': 'sensor_msgs/msg/CompressedImage'}
_LOOK_PERIOD = 0.5
# It may come from the topic of the camera, of which rclpy would otherwise take what the first
# subscription asks for as an override of the second; `qos_overrides` name it at their end.
_BESIDE_OTHERS = ('demonstration',)


class ImageSubscription:
    """Calls back with every image of a topic.

    With the type 'auto' it follows the type of the publishers, from raw images on: where
    only the other type is offered, it subscribes to that instead. The first image may come before
    the subscription is made: what `callback` needs must be there already.

    Args:
        node: that subscribes.
        topic: relative name.
        image_type: 'raw', 'compressed' or 'auto'.
        qos: of the subscription, unless parameters `qos_overrides` say otherwise.
        callback: gets the message.
        group: in which `callback` runs.

    Attributes:
        qos: as above.
        topic_name: after namespace and remapping.
        watch: counts the images.
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
        self.topic_name = node.resolve_topic_name(topic)
        self.watch = TopicWatch(node, topic, self)
        if image_type == 'auto' and self._others_are_offered():
            self._type = 'compressed'
        self._subscription: Subscription[Any] | None = self._subscribe()
        if image_type == 'auto':
            # The publishers of a simulation that stands still are found all the same.
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = node.create_timer(
                _LOOK_PERIOD, self._follow_publishers, group, clock=steady
            )

    @property
    def message_type(self) -> str:
        """Type of the messages that are subscribed to."""
        return _NAMES[self._type]

    def destroy(self) -> None:
        """End the subscription."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    def _subscribe(self) -> Subscription[Any]:
        return self._node.create_subscription(
            _TYPES[self._type],
            self._topic,
            self._arrived,
            self.qos,
            callback_group=self._group,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(
                entity_id=self._topic if self._topic in _BESIDE_OTHERS else None
            ),
        )

    def _arrived(self, message: Any) -> None:
        self.watch.arrived()
        self._callback(message)

    @property
    def _other(self) -> str:
        return 'compressed' if self._type == 'raw' else 'raw'

    def _others_are_offered(self) -> bool:
        """Whether there are publishers of the other type, and none of this one."""
        offered = {
            info.topic_type for info in self._node.get_publishers_info_by_topic(self.topic_name)
        }
        return _NAMES[self._other] in offered and _NAMES[self._type] not in offered

    def _follow_publishers(self) -> None:
        if self._subscription is not None:
            if not self._others_are_offered():
                return
            # Both types at once on one topic are refused by the middleware.
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
            self._type = self._other
        try:
            self._subscription = self._subscribe()
        except RuntimeError as error:
            # An RCLError: what was destroyed lives on while an executor waits for it, so that the
            # next look tries again.
            self._node.get_logger().debug(f'{self.topic_name}: {error}')
            return
        self._node.get_logger().info(f'{self.topic_name} carries {_NAMES[self._type]}')
