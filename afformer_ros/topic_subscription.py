# SPDX-License-Identifier: Apache-2.0
"""A subscription with the message type and the reliability that its publishers offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import CallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, QoSProfile, QoSReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image

from afformer_ros.quality_of_service import InputQuality
from afformer_ros.topic_watch import TopicWatch

try:
    from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
except ModuleNotFoundError:
    # The module has this name in Humble.
    from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError

# Humble passes only the message to the callback.
_TELLS_NUMBERS = hasattr(Subscription, 'CallbackType')
_POLL_PERIOD = 0.5
# Seconds between two warnings of lost messages.
_WARNING_PERIOD = 30.0
# This input may use the camera's topic. A name at the end of its `qos_overrides` keeps rclpy from
# applying the first subscription's overrides to the second one.
_BESIDE_OTHERS = ('demonstration',)
# Message classes by the type of the messages of images; 'auto' is raw before there is a publisher.
IMAGE_KINDS: dict[str, tuple[type, ...]] = {
    'raw': (Image,),
    'compressed': (CompressedImage,),
    'auto': (Image, CompressedImage),
}


class TopicSubscription:
    """A subscription that calls back with every message of a topic.

    It subscribes again whenever the offer of its publishers changes. Of several message types, it
    uses the offered one. If it follows its publishers, it uses their reliability, which is best
    effort if any of them offers only that. Before there is a publisher, it requests the first type
    and reliable messages, so that no message of a reliable publisher is lost. The first message
    may arrive before the constructor returns, so `callback` must be usable before that.

    Args:
        node: node that subscribes.
        topic: relative name.
        kinds: message classes, at least one (see `IMAGE_KINDS`).
        quality: requested quality of service, unless parameters `qos_overrides` say otherwise.
        callback: called with the message.
        group: group in which `callback` runs.

    Attributes:
        qos: the currently requested quality.
        topic_name: name after namespace and remapping.
        watch: counts of received and lost messages.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        kinds: Sequence[type],
        quality: InputQuality,
        callback: Callable[[Any], None],
        group: CallbackGroup,
    ) -> None:
        self._node = node
        self._topic = topic
        self._kinds = {_type_name(kind): kind for kind in kinds}
        self._callback = callback
        self._group = group
        self._timer: Timer | None = None
        self._ended = False
        self.qos: QoSProfile = quality.profile
        self.topic_name = node.resolve_topic_name(topic)
        self._follows_reliability = quality.follows_publishers and not self._is_overridden()
        self.message_type = next(iter(self._kinds))
        self.watch = TopicWatch(node, topic, self)
        self.message_type, self.qos.reliability = self._offered()
        self._subscription: Subscription[Any] | None = self._subscribe()
        if self._follows_reliability or len(self._kinds) > 1:
            # With a steady clock, publishers are found even while simulated time stands still.
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = node.create_timer(
                _POLL_PERIOD, self._follow_publishers, group, clock=steady
            )

    def destroy(self) -> None:
        """End the subscription."""
        self._ended = True
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)

    @property
    def _entity(self) -> str | None:
        return self._topic if self._topic in _BESIDE_OTHERS else None

    def _is_overridden(self) -> bool:
        """Check whether a parameter `qos_overrides` sets the reliability.

        The parameter is declared here, because rclpy would declare the first requested reliability
        as the override of later ones.
        """
        suffix = '' if self._entity is None else f'_{self._entity}'
        name = f'qos_overrides.{self.topic_name}.subscription{suffix}.reliability'
        if not self._node.has_parameter(name):
            text = f'reliability of {self.topic_name}; empty for that of its publishers'
            self._node.declare_parameter(
                name, '', ParameterDescriptor(description=text, read_only=True)
            )
        return bool(self._node.get_parameter(name).value)

    def _subscribe(self) -> Subscription[Any]:
        policies = [QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]
        if not self._follows_reliability:
            policies.append(QoSPolicyKind.RELIABILITY)
        given: dict[str, Any] = {
            'callback_group': self._group,
            'qos_overriding_options': QoSOverridingOptions(policies, entity_id=self._entity),
        }
        kind = self._kinds[self.message_type]
        callback = self._arrived if _TELLS_NUMBERS else self._arrived_alone
        self.watch.subscribed()
        try:
            return self._node.create_subscription(
                kind, self._topic, callback, self.qos, event_callbacks=self._events(), **given
            )
        except UnsupportedEventTypeError:
            # This middleware cannot report lost messages.
            return self._node.create_subscription(kind, self._topic, callback, self.qos, **given)

    def _events(self) -> SubscriptionEventCallbacks:
        if not self._follows_reliability:
            return SubscriptionEventCallbacks(message_lost=self._lost)
        # The subscription follows a publisher that offers less than requested at once.
        return SubscriptionEventCallbacks(
            message_lost=self._lost, incompatible_qos=lambda _: self._follow_publishers()
        )

    def _arrived(self, message: Any, info: Mapping[str, Any]) -> None:
        before = self.watch.lost_count
        self.watch.arrived(info)
        if self.watch.lost_count > before:
            self._warn_of_loss()
        self._callback(message)

    def _arrived_alone(self, message: Any) -> None:
        self.watch.arrived()
        self._callback(message)

    def _lost(self, event: Any) -> None:
        self.watch.lost(event.total_count_change)
        self._warn_of_loss()

    def _warn_of_loss(self) -> None:
        loss = self.watch.loss()
        if loss:
            self._node.get_logger().warning(loss, throttle_duration_sec=_WARNING_PERIOD)

    def _offered(self) -> tuple[str, QoSReliabilityPolicy]:
        """Return the type and reliability to request; the current ones without publishers."""
        found = self._node.get_publishers_info_by_topic(self.topic_name)
        types = {endpoint.topic_type for endpoint in found}
        message_type = self.message_type
        if message_type not in types:
            message_type = next((kind for kind in self._kinds if kind in types), message_type)
        offers = [
            endpoint.qos_profile.reliability
            for endpoint in found
            if endpoint.topic_type == message_type
        ]
        if not self._follows_reliability or not offers:
            return message_type, self.qos.reliability
        reliable = all(reliability == QoSReliabilityPolicy.RELIABLE for reliability in offers)
        policy = QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT
        return message_type, policy

    def _follow_publishers(self) -> None:
        # An event of a destroyed subscription may still arrive.
        if self._ended:
            return
        offered = self._offered()
        if self._subscription is not None:
            if offered == (self.message_type, self.qos.reliability):
                return
            # The middleware rejects two types at once on one topic.
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
        self.message_type, self.qos.reliability = offered
        try:
            self._subscription = self._subscribe()
        except RuntimeError as error:
            # An RCLError: a destroyed subscription exists as long as an executor waits for it. The
            # timer tries again.
            self._node.get_logger().debug(f'{self.topic_name}: {error}')
            return
        self._node.get_logger().info(
            f'{self.topic_name} carries {self.message_type}, {self.qos.reliability.name}'
        )


def _type_name(kind: type) -> str:
    """Return the ROS name of a message class, such as 'sensor_msgs/msg/Image'."""
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'
