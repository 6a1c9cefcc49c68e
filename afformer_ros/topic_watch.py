# SPDX-License-Identifier: Apache-2.0
"""Watch of a subscription: its messages, and the reasons in words why some or all are missing."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy

from afformer_ros.quality_of_service import mismatch

_WINDOW = 5.0
_STALE_AFTER = 2.0
# Lost messages of the window that are no reason to warn: so many, and such a share of all.
_TOLERATED_LOST = 2
_TOLERATED_SHARE = 0.02


class Subscribed(Protocol):
    """A subscription to watch."""

    @property
    def topic_name(self) -> str:
        """Name of the topic after namespace and remapping."""

    @property
    def message_type(self) -> str:
        """Type of the messages that are subscribed to, such as 'sensor_msgs/msg/Image'."""

    @property
    def qos(self) -> QoSProfile:
        """Quality of service that is asked for."""


class TopicWatch:
    """Counts the messages of a subscription, also lost ones, and looks for its publishers.

    Args:
        node: that subscribes.
        name: short name of the topic, as the parameters have it.
        subscribed: the subscription.
    """

    def __init__(self, node: Node, name: str, subscribed: Subscribed) -> None:
        self._node = node
        self._name = name
        self._subscribed = subscribed
        self._lock = threading.Lock()
        self._times: deque[float] = deque()
        self._losses: deque[tuple[float, int]] = deque()
        self._last = 0.0
        self.count = 0
        self.lost_count = 0

    def arrived(self) -> None:
        """Count a message."""
        with self._lock:
            self._last = time.monotonic()
            self.count += 1
            self._times.append(self._last)
            self._forget()

    def lost(self, count: int) -> None:
        """Count messages that the middleware says were lost on the way."""
        with self._lock:
            self.lost_count += count
            self._losses.append((time.monotonic(), count))
            self._forget()

    @property
    def hertz(self) -> float:
        """Messages a second, of the last five seconds."""
        with self._lock:
            self._forget()
            if len(self._times) < 2:
                return 0.0
            return (len(self._times) - 1) / max(1e-9, self._times[-1] - self._times[0])

    @property
    def silence(self) -> float:
        """Seconds since the last message; infinite before the first."""
        with self._lock:
            return time.monotonic() - self._last if self.count else float('inf')

    @property
    def publishers(self) -> int:
        """Publishers of the topic, of any type."""
        return self._node.count_publishers(self._subscribed.topic_name)

    def problem(self) -> str:
        """Why nothing arrives, or not from everybody; empty where all is well."""
        topic = self._subscribed.topic_name
        found = self._node.get_publishers_info_by_topic(topic)
        if not found:
            if self.count:
                return f'nobody publishes {topic} any more (silent for {self.silence:.1f} s)'
            return f'nobody publishes {topic}'
        fitting = [one for one in found if one.topic_type == self._subscribed.message_type]
        if not fitting:
            types = ', '.join(sorted({one.topic_type for one in found}))
            return f'{topic} carries {types}; {self._subscribed.message_type} is wanted'
        mismatches = [
            mismatch(
                self._name,
                f'{one.node_namespace.rstrip("/")}/{one.node_name}',
                one.qos_profile,
                self._subscribed.qos,
            )
            for one in fitting
        ]
        if any(mismatches):
            return '; '.join(sorted({one for one in mismatches if one}))
        if self.silence > _STALE_AFTER and (loss := self.loss()):
            return loss
        if not self.count:
            return f'no message has arrived on {topic} yet'
        if self.silence > _STALE_AFTER:
            return f'no message has arrived on {topic} for {self.silence:.1f} s'
        return ''

    def loss(self) -> str:
        """How many of the last messages were lost, and what to do; empty: few or none."""
        with self._lock:
            self._forget()
            lost, received = sum(count for _, count in self._losses), len(self._times)
        if lost <= max(_TOLERATED_LOST, _TOLERATED_SHARE * (lost + received)):
            return ''
        return (
            f'{lost} of {lost + received} messages of the last {_WINDOW:.0f} s on '
            f'{self._subscribed.topic_name} were lost on the way; {self._remedy()}'
        )

    def _remedy(self) -> str:
        if self._subscribed.qos.reliability == QoSReliabilityPolicy.RELIABLE:
            return 'send fewer or smaller ones, or compressed images'
        found = self._node.get_publishers_info_by_topic(self._subscribed.topic_name)
        offers = [one.qos_profile.reliability for one in found]
        if offers and all(one == QoSReliabilityPolicy.RELIABLE for one in offers):
            return f'set {self._name}_qos to AUTO or DEFAULT, since its publishers are reliable'
        return (
            'start its publisher with the environment variable FASTDDS_DEFAULT_PROFILES_FILE set '
            "to this package's config/fastdds.xml, or have it offer RELIABLE"
        )

    def values(self) -> dict[str, str]:
        """Counts as text."""
        return {
            'topic': self._subscribed.topic_name,
            'type': self._subscribed.message_type,
            'reliability': self._subscribed.qos.reliability.name,
            'publishers': str(self.publishers),
            'received': str(self.count),
            'lost': str(self.lost_count),
            'rate (Hz)': f'{self.hertz:.1f}',
        }

    def _forget(self) -> None:
        now = time.monotonic()
        while self._times and now - self._times[0] > _WINDOW:
            self._times.popleft()
        while self._losses and now - self._losses[0][0] > _WINDOW:
            self._losses.popleft()
