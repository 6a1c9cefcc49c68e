# SPDX-License-Identifier: Apache-2.0
"""Monitoring of a subscription: its messages, and why some or all are missing."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy

from afformer_ros.quality_of_service import mismatch

_WINDOW = 5.0
_STALE_AFTER = 2.0
# Lost messages in the window that are tolerated without a warning: number, and share of all.
_TOLERATED_LOST = 2
_TOLERATED_SHARE = 0.02
# Value of rmw for middleware without sequence numbers.
_UNNUMBERED = 2**64 - 1
# Maximum number of remembered publishers.
_CAPACITY = 16


class Subscribed(Protocol):
    """A subscription to monitor."""

    @property
    def topic_name(self) -> str:
        """Name of the topic after namespace and remapping."""

    @property
    def message_type(self) -> str:
        """Type of the subscribed messages, such as 'sensor_msgs/msg/Image'."""

    @property
    def qos(self) -> QoSProfile:
        """Requested quality of service."""


class TopicWatch:
    """Counts of the received and lost messages of a subscription, and the state of its publishers.

    Args:
        node: node that subscribes.
        name: short name of the topic, as in the parameters.
        subscribed: the subscription.

    Attributes:
        count: number of received messages.
        lost_count: number of lost messages: the number reported by the middleware, or the number
            of missing sequence numbers, whichever is larger.
    """

    def __init__(self, node: Node, name: str, subscribed: Subscribed) -> None:
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
            endpoint for endpoint in found if endpoint.topic_type == self._subscribed.message_type
        ]
        if not fitting:
            types = ', '.join(sorted({endpoint.topic_type for endpoint in found}))
            return f'{topic} carries {types}; expected {self._subscribed.message_type}'
        mismatches = [
            mismatch(
                self._name,
                f'{endpoint.node_namespace.rstrip("/")}/{endpoint.node_name}',
                endpoint.qos_profile,
                self._subscribed.qos,
            )
            for endpoint in fitting
        ]
        if any(mismatches):
            return '; '.join(sorted({reason for reason in mismatches if reason}))
        if silent_for <= _STALE_AFTER:
            return '' if self.count else f'no message has arrived on {topic} yet'
        if loss := self.loss():
            return loss
        names = ', '.join(
            sorted(
                {
                    f'{endpoint.node_namespace.rstrip("/")}/{endpoint.node_name}'
                    for endpoint in fitting
                }
            )
        )
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
        if number in (None, _UNNUMBERED) or publisher is None:
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
        return (
            'Start its publisher with the environment variable FASTDDS_DEFAULT_PROFILES_FILE (up '
            "to Jazzy FASTRTPS_DEFAULT_PROFILES_FILE) set to this package's config/fastdds.xml, "
            'or have it offer RELIABLE'
        )

    def values(self) -> dict[str, str]:
        """Return the counts as text, by name."""
        return {
            'topic': self._subscribed.topic_name,
            'type': self._subscribed.message_type,
            'reliability': self._subscribed.qos.reliability.name,
            'publishers': str(self.publishers),
            'received': str(self.count),
            'lost': str(self.lost_count),
            'rate (Hz)': f'{self.hertz:.1f}',
        }

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
