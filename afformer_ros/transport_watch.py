# SPDX-License-Identifier: Apache-2.0
"""A monitor that ends a node if messages no longer reach it."""

from __future__ import annotations

import os
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from afformer_ros.shared_memory_ports import SharedMemoryPorts

# Exit status of a process that messages no longer reach, and that should be restarted.
DEAF_STATUS = os.EX_TEMPFAIL
_PERIOD = 1.0
# Seconds within which the middleware reopens a port by itself.
_HEALING = 3.0


class TransportWatch:
    """A monitor of the shared memory that transports messages, independent of silent publishers.

    Args:
        node: node in whose executor it checks once per second.
        timeout: function that returns the seconds after which a loss is final; 0: never.
        give_up: called once, when a loss is final.
        ports: ports of the process.
    """

    def __init__(
        self,
        node: Node,
        timeout: Callable[[], float],
        give_up: Callable[[], None],
        ports: SharedMemoryPorts,
    ) -> None:
        self._node = node
        self._timeout = timeout
        self._give_up = give_up
        self._ports = ports
        self._ended = False
        # It must continue while simulated time stands still.
        self._timer = node.create_timer(
            _PERIOD,
            self._check,
            MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    @property
    def problem(self) -> str:
        """Explain that messages do not reach the node, and what to do; empty if they do."""
        lost_for = self._ports.lost_for
        if lost_for < _HEALING:
            return ''
        timeout = self._timeout()
        remedy = (
            f'The process ends with status {DEAF_STATUS} after {timeout:.0f} s; start it again, '
            'or set respawn:=true in the launch file'
            if timeout
            else 'Start the process again'
        )
        return (
            f'messages have not reached the node for {lost_for:.0f} s: Fast DDS removed its '
            f'shared memory ({", ".join(self._ports.lost)}), which can happen while processes '
            f'wait for a processor. {remedy}'
        )

    def destroy(self) -> None:
        """Stop."""
        self._node.destroy_timer(self._timer)

    def _check(self) -> None:
        self._ports.check()
        problem, timeout = self.problem, self._timeout()
        if not problem:
            return
        self._node.get_logger().error(problem, throttle_duration_sec=_HEALING)
        if timeout and self._ports.lost_for >= timeout and not self._ended:
            self._ended = True
            self._node.get_logger().fatal(f'the process ends with status {DEAF_STATUS}')
            self._give_up()
