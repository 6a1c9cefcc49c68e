# SPDX-License-Identifier: Apache-2.0
"""A subscription with the type and reliability that its publishers offer, and its statistics."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import CallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import (
    QoSCompatibility,
    QoSPolicyKind,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage, Image

from afformer_ros.environment import why_not_fast_dds

try:
    from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
except ModuleNotFoundError:
    # The module has this name in Humble.
    from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError

_WINDOW = 5.0
_STALE_AFTER = 2.0
# Lost messages in the window that are tolerated without a warning: number, and share of all.
_TOLERATED_LOST = 2
_TOLERATED_SHARE = 0.02
# Value of rmw for middleware without sequence numbers.
_UNNUMBERED = 2**64 - 1
# Maximum number of remembered publishers.
_CAPACITY = 16
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


@dataclass(frozen=True)
class InputQuality:
    """The quality of service that a subscription requests.

    Attributes:
        profile: separate profile, because rclpy and the subscription change it.
        follows_publishers: whether the reliability is that of the publishers, or of `profile`
            before there is one.
    """

    profile: QoSProfile
    follows_publishers: bool


class TopicWatch:
    """Counts of the received and lost messages of a subscription, and the state of its publishers.

    Args:
        node: node that subscribes.
        name: short name of the topic, as in the parameters.
        subscribed: the subscription.

    Attributes:
        count: number of received messages.
        lost_count: number of lost messages: the number reported by the middleware, or the number
            of missing sequence numbers, whichever is larger. Numbers count with Fast DDS only.
    """

    def __init__(self, node: Node, name: str, subscribed: TopicSubscription) -> None:
        self._node = node
        self._name = name
        self._subscribed = subscribed
        self._lock = threading.Lock()
        # Last sequence numbers by publisher, the newest last.
        self._last: dict[bytes, int] = {}
        self._times: deque[float] = deque()
        self._losses: deque[tuple[float, int]] = deque()
        # Time at which the last message arrived or, before the first one, a publisher appeared.
        self._silent_since = 0.0
        self._reported = self._missing = 0
        self._unnumbered = why_not_fast_dds()
        self.count = 0
        self.lost_count = 0

    def subscribed(self) -> None:
        """Restart with a new subscription, which does not receive earlier messages."""
        with self._lock:
            self._last.clear()

    def arrived(self, info: Mapping[str, Any] | None = None) -> None:
        """Count a message, and missing ones before it.

        Args:
            info: message info of rclpy; None: not available.
        """
        with self._lock:
            self._silent_since = time.monotonic()
            self.count += 1
            self._times.append(self._silent_since)
            # A queue of one keeps the newest message; one that was replaced was not needed.
            if self._subscribed.qos.depth > 1:
                self._missing += self._missing_before(info)
            self._count_lost()

    def lost(self, count: int) -> None:
        """Count messages that the middleware reports as lost."""
        with self._lock:
            self._reported += count
            self._count_lost()

    @property
    def hertz(self) -> float:
        """Messages per second in the last five seconds."""
        with self._lock:
            self._forget()
            if len(self._times) < 2:
                return 0.0
            return (len(self._times) - 1) / max(1e-9, self._times[-1] - self._times[0])

    @property
    def seconds_without_message(self) -> float:
        """Seconds since the last message; infinite before the first."""
        with self._lock:
            return time.monotonic() - self._silent_since if self.count else float('inf')

    @property
    def publishers(self) -> int:
        """Number of publishers of the topic, of any type."""
        return self._node.count_publishers(self._subscribed.topic_name)

    def problem(self) -> str:
        """Explain missing messages of one or all publishers; empty if all arrive."""
        topic = self._subscribed.topic_name
        found = self._node.get_publishers_info_by_topic(topic)
        silent_for = self._seconds_silent(published=bool(found))
        if not found:
            if self.count:
                return f'nobody publishes {topic} any more (silent for {silent_for:.1f} s)'
            return f'nobody publishes {topic}'
        fitting = [
            (f'{endpoint.node_namespace.rstrip("/")}/{endpoint.node_name}', endpoint.qos_profile)
            for endpoint in found
            if endpoint.topic_type == self._subscribed.message_type
        ]
        if not fitting:
            types = ', '.join(sorted({endpoint.topic_type for endpoint in found}))
            return f'{topic} carries {types}; expected {self._subscribed.message_type}'
        mismatches = [
            mismatch(self._name, publisher, offered, self._subscribed.qos)
            for publisher, offered in fitting
        ]
        if any(mismatches):
            return '; '.join(sorted({reason for reason in mismatches if reason}))
        if silent_for <= _STALE_AFTER:
            return '' if self.count else f'no message has arrived on {topic} yet'
        if loss := self.loss():
            return loss
        names = ', '.join(sorted({publisher for publisher, _ in fitting}))
        many = f'{len(fitting)} publishers' if len(fitting) > 1 else '1 publisher'
        return (
            f'no message has arrived on {topic} for {silent_for:.1f} s from {many} ({names}). '
            f'If ros2 topic hz {topic} shows messages, start this node again; else resume the '
            'publisher'
        )

    def loss(self) -> str:
        """Report the loss of recent messages, and what to do; empty for few or none."""
        with self._lock:
            self._forget()
            lost, received = sum(count for _, count in self._losses), len(self._times)
        if lost <= max(_TOLERATED_LOST, _TOLERATED_SHARE * (lost + received)):
            return ''
        return (
            f'{lost} of {lost + received} messages of the last {_WINDOW:.0f} s on '
            f'{self._subscribed.topic_name} were lost on the way. {self._remedy()}'
        )

    def _seconds_silent(self, *, published: bool) -> float:
        """Return the seconds since the last message or, before the first, the first publisher."""
        with self._lock:
            now = time.monotonic()
            if not self.count and (not published or not self._silent_since):
                self._silent_since = now if published else 0.0
            return now - (self._silent_since or now)

    def _missing_before(self, info: Mapping[str, Any] | None) -> int:
        """Return the number of missing sequence numbers before a message that has arrived.

        If a full queue drops a message, reliable or not, no event reports it. Humble has no
        sequence numbers, and Jazzy does not tell whose they are.
        """
        number = (info or {}).get('publication_sequence_number')
        publisher = (info or {}).get('publisher_gid')
        if self._unnumbered or number in (None, _UNNUMBERED) or publisher is None:
            return 0
        key = bytes(publisher['data'])
        before: int = self._last.pop(key, number)
        self._last[key] = number
        if len(self._last) > _CAPACITY:
            del self._last[next(iter(self._last))]
        return max(0, int(number) - before - 1)

    def _remedy(self) -> str:
        if self._subscribed.qos.reliability == QoSReliabilityPolicy.RELIABLE:
            return 'Send fewer or smaller ones, or compressed images'
        found = self._node.get_publishers_info_by_topic(self._subscribed.topic_name)
        offers = [endpoint.qos_profile.reliability for endpoint in found]
        if offers and all(reliability == QoSReliabilityPolicy.RELIABLE for reliability in offers):
            return f'Set {self._name}_qos to AUTO or DEFAULT, since its publishers are reliable'
        if self._unnumbered:
            return 'Have its publisher offer RELIABLE'
        return (
            'Start its publisher with the environment variable FASTDDS_DEFAULT_PROFILES_FILE (up '
            "to Jazzy FASTRTPS_DEFAULT_PROFILES_FILE) set to this package's config/fastdds.xml, "
            'or have it offer RELIABLE'
        )

    def values(self) -> dict[str, str]:
        """Return the counts as text, by name."""
        values = {
            'topic': self._subscribed.topic_name,
            'type': self._subscribed.message_type,
            'reliability': self._subscribed.qos.reliability.name,
            'publishers': str(self.publishers),
            'received': str(self.count),
            'lost': str(self.lost_count),
            'rate (Hz)': f'{self.hertz:.1f}',
        }
        if self._unnumbered:
            values['losses by sequence number'] = f'not counted: {self._unnumbered}'
        return values

    def _count_lost(self) -> None:
        """Update the count of lost messages, which may be both missing and reported."""
        lost = max(self._reported, self._missing)
        if lost > self.lost_count:
            self._losses.append((time.monotonic(), lost - self.lost_count))
            self.lost_count = lost
        self._forget()

    def _forget(self) -> None:
        now = time.monotonic()
        while self._times and now - self._times[0] > _WINDOW:
            self._times.popleft()
        while self._losses and now - self._losses[0][0] > _WINDOW:
            self._losses.popleft()


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


def mismatch(topic: str, publisher: str, offered: QoSProfile, requested: QoSProfile) -> str:
    """Explain why no message arrives from a publisher, and what to do; empty if all arrive.

    Args:
        topic: short name, as in the parameters.
        publisher: name of its node.
        offered: quality that the publisher offers.
        requested: quality that the subscription requests.
    """
    compatibility, reason = qos_check_compatible(offered, requested)
    if compatibility != QoSCompatibility.ERROR:
        return ''
    if (
        offered.reliability == QoSReliabilityPolicy.BEST_EFFORT
        and requested.reliability == QoSReliabilityPolicy.RELIABLE
    ):
        return (
            f'{publisher} offers {topic} with BEST_EFFORT; expected RELIABLE. '
            f'Set {topic}_qos to AUTO or SENSOR_DATA'
        )
    return f'the quality of service of {publisher} does not fit {topic}: {reason.rstrip()}'
