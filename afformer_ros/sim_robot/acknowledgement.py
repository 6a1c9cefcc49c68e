# SPDX-License-Identifier: Apache-2.0
"""Acknowledgements of joint states, for which a simulation in lock-step waits."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time
from rclpy.node import Node

from afformer_core.messages.stamps import stamp_nanoseconds

TOPIC = 'acknowledge'
# Wall time after which an acknowledgement is assumed to be lost, seconds.
_LOSS = 15.0


class Acknowledgement:
    """The newest acknowledged stamp, on the topic `~/acknowledge`.

    Args:
        node: node that subscribes.
        period: nanoseconds between two joint states.
    """

    def __init__(self, node: Node, period: int) -> None:
        self._period = period
        self._stamp = 0
        self._arrived = time.monotonic()
        node.create_subscription(Time, f'~/{TOPIC}', self._take, 10)

    def covers(self, now: int) -> bool:
        """Return whether all joint states before the last one are acknowledged.

        An acknowledgement that does not arrive for long counts as lost.

        Args:
            now: simulated time in nanoseconds.
        """
        if now - self._stamp < 2 * self._period:
            return True
        if time.monotonic() - self._arrived < _LOSS:
            return False
        self._stamp, self._arrived = now, time.monotonic()
        return True

    def _take(self, message: Time) -> None:
        self._stamp = max(self._stamp, stamp_nanoseconds(message))
        self._arrived = time.monotonic()
