# SPDX-License-Identifier: Apache-2.0
"""The diagnostics of the grounding node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type, where the type lives now, does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from afformer_ros.topic_watch import TopicWatch


@dataclass(frozen=True)
class ComponentStatus:
    """The status of one component of the node in the diagnostics.

    Attributes:
        name: name of the component, such as 'latency'.
        error: error; empty: none.
        warning: warning; empty: none.
        message: message if there is neither an error nor a warning.
        values: details as text.
    """

    name: str
    error: str
    warning: str
    message: str
    values: Mapping[str, str]

    def status(self, node: Node) -> DiagnosticStatus:
        """Convert to a message; an error outranks a warning."""
        node_name = node.get_fully_qualified_name()
        status = DiagnosticStatus(name=_status_name(node_name, self.name), hardware_id=node_name)
        status.level = (
            DiagnosticStatus.ERROR
            if self.error
            else DiagnosticStatus.WARN
            if self.warning
            else DiagnosticStatus.OK
        )
        status.message = self.error or self.warning or self.message
        status.values = [KeyValue(key=key, value=value) for key, value in self.values.items()]
        return status


def status_of(
    diagnostics: DiagnosticArray, node_name: str, component: str
) -> DiagnosticStatus | None:
    """Return the status of a component of a node by its full name; None if there is none."""
    name = _status_name(node_name, component)
    return next((status for status in diagnostics.status if status.name == name), None)


def _status_name(node_name: str, component: str) -> str:
    return f'{node_name}: {component}'


def topic_status(
    name: str, watch: TopicWatch, *, needed: bool, deaf: str, remark: str = ''
) -> ComponentStatus:
    """Report the status of a topic.

    Args:
        name: name of the topic.
        watch: watch of its subscription.
        needed: whether it must have a publisher.
        deaf: reason why no message reaches the node; empty: messages do.
        remark: problem despite arriving messages; empty: none.
    """
    problem = watch.problem()
    if problem and not needed and not watch.publishers:
        return ComponentStatus(name, '', '', f'not used: {problem}', watch.values())
    warning = problem or watch.loss() or remark
    return ComponentStatus(name, deaf, warning, 'arriving', watch.values())


class GroundingDiagnostics:
    """A publisher of diagnostics at a steady rate, independent of the node's clock.

    Args:
        node: node that publishes.
        period: seconds.
        find: function that returns the statuses, the most important first.
    """

    def __init__(
        self, node: Node, period: float, find: Callable[[], Sequence[ComponentStatus]]
    ) -> None:
        self._node = node
        self._find = find
        self._publisher: Any = node.create_publisher(DiagnosticArray, '/diagnostics', 1)
        # The diagnostics continue while simulated time stands still.
        self._timer = node.create_timer(
            period,
            self._publish,
            MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def destroy(self) -> None:
        """Stop."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        array.status = [component.status(self._node) for component in self._find()]
        self._publisher.publish(array)
