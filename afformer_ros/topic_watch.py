# SPDX-License-Identifier: Apache-2.0
"""What arrives on a subscription, and in words why nothing does."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from rclpy.node import Node
from rclpy.qos import QoSProfile

from afformer_ros.quality_of_service import mismatch

_WINDOW = 5.0
_STALE_AFTER = 2.0


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
    """Counts the messages of a subscription and looks for its publishers.

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
        self._last = 0.0
        self.count = 0

    def arrived(self) -> None:
        """Count a message."""
        with self._lock:
            self._last = time.monotonic()
            self.count += 1
            self._times.append(self._last)
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
        if not self.count:
            return f'no message has arrived on {topic} yet'
        if self.silence > _STALE_AFTER:
            return f'no message has arrived on {topic} for {self.silence:.1f} s'
        return ''

    def values(self) -> dict[str, str]:
        """Counts as text."""
        return {
            'topic': self._subscribed.topic_name,
            'type': self._subscribed.message_type,
            'reliability': self._subscribed.qos.reliability.name,
            'publishers': str(self.publishers),
            'received': str(self.count),
            'rate (Hz)': f'{self.hertz:.1f}',
        }

    def _forget(self) -> None:
        now = time.monotonic()
        while self._times and now - self._times[0] > _WINDOW:
            self._times.popleft()
