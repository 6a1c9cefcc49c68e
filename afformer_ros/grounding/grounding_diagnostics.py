# SPDX-License-Identifier: Apache-2.0
"""The diagnostics of the grounding node, with its counts and its latencies."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from enum import Enum
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type, where the type lives now, does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from afformer_core.messages.stamps import ANOTHER_CLOCK
from afformer_core.outputs.results import StreamedGrounding
from afformer_ros.topic_subscription import TopicWatch


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """The stage times of one image from the camera to its result, in seconds.

    Attributes:
        age_at_arrival: from the stamp of the image to its arrival, by the node's clock.
        wait: from its arrival until the worker took it.
        preprocess: from the message to its colours.
        ground: time of the model.
        postprocess: from the model's output to smoothed peaks and points in space.
        publish: creating and sending the messages.
        overhead: sum of the three stages besides the model.
        end_to_end: from the stamp of the image until everything was sent, by the node's clock.
    """

    age_at_arrival: float
    wait: float
    preprocess: float
    ground: float
    postprocess: float
    publish: float
    overhead: float
    end_to_end: float


class LatencyWindow:
    """A window of the stage times of the last seconds; thread-safe.

    Args:
        seconds: length of the window.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._times: deque[tuple[float, tuple[float, ...]]] = deque()

    def add(self, times: StageTimes) -> None:
        """Add the times of an image."""
        with self._lock:
            self._times.append((time.monotonic(), astuple(times)))
            self._forget()

    def clear(self) -> None:
        """Remove all times, because the clock was set."""
        with self._lock:
            self._times.clear()

    def values(self) -> dict[str, str]:
        """Median, 95th percentile and largest of each stage, in milliseconds, as text."""
        values: dict[str, str] = {}
        for stage, times in self._stages().items():
            for name, figure in (
                ('p50', np.percentile(times, 50)),
                ('p95', np.percentile(times, 95)),
                ('max', times.max()),
            ):
                values[f'{stage} {name} (ms)'] = f'{1000 * figure:.1f}'
        return values

    def problem(self, limit: float) -> str:
        """Explain why results are too old; empty if they are not.

        Args:
            limit: maximum acceptable seconds from stamp to result; 0: any.
        """
        late = float(np.percentile(self._stages().get('end to end', 0.0), 95))
        if not limit or -ANOTHER_CLOCK <= late <= limit:
            return ''
        if abs(late) <= ANOTHER_CLOCK:
            return f'results come {late:.2f} s after their images, more than {limit:.2f} s'
        return (
            f'the stamps of the images are {abs(late):.0f} s away from the time of the node: they '
            'come from another clock; set use_sim_time if a bag or a simulator provides the time'
        )

    def _stages(self) -> dict[str, np.ndarray]:
        with self._lock:
            self._forget()
            rows = [times for _, times in self._times]
        if not rows:
            return {}
        names = (field.name.replace('_', ' ') for field in fields(StageTimes))
        return dict(zip(names, np.array(rows).T, strict=True))

    def _forget(self) -> None:
        now = time.monotonic()
        while self._times and now - self._times[0][0] > self._seconds:
            self._times.popleft()


class Event(Enum):
    """Events that are counted, by their names in the diagnostics."""

    REPLACED = 'images replaced by newer ones'
    IGNORED = 'images ignored because no result has a subscriber'
    REFUSED = 'images that could not be grounded'
    PUBLISHED = 'groundings published'
    FOUND = 'of these found'
    HELD = 'of these held'
    DROPPED = 'demonstration frames dropped'


class GroundingStatistics:
    """Counts of the node; thread-safe.

    Args:
        latency_window: seconds over which latencies are reported.
    """

    def __init__(self, latency_window: float) -> None:
        self.latency = LatencyWindow(latency_window)
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(Event, 0)
        self._refusal = ''
        self._result: StreamedGrounding | None = None

    def count(self, event: Event) -> None:
        """Count an event."""
        with self._lock:
            self._counts[event] += 1

    def image_refused(self, reason: str) -> None:
        """Count an image that could not be read or grounded."""
        with self._lock:
            self._counts[Event.REFUSED] += 1
            self._refusal = reason

    def grounding_published(self, result: StreamedGrounding, times: StageTimes) -> None:
        """Count a grounding that was published."""
        self.latency.add(times)
        with self._lock:
            self._counts[Event.PUBLISHED] += 1
            self._counts[Event.FOUND] += result.found and not result.held
            self._counts[Event.HELD] += result.held
            self._result = result
            self._refusal = ''

    def refusal(self) -> str:
        """Explain why the last image gave no result; empty if it did."""
        with self._lock:
            return f'the last image could not be grounded: {self._refusal}' * bool(self._refusal)

    def depth_problem(self) -> str:
        """Explain why the best point of the last result has no position; empty if it has one."""
        with self._lock:
            if self._result is None or not self._result.surfaces:
                return ''
            return self._result.surfaces[0].problem

    def values(self) -> dict[str, str]:
        """Return all counts, and the last result, as text."""
        with self._lock:
            values = {event.value: str(count) for event, count in self._counts.items()}
            result = self._result
        if result is not None:
            grounding = result.grounding
            for name, value, threshold in (
                ('presence', result.presence, result.presence_threshold),
                ('certainty', grounding.certainty, grounding.certainty_threshold),
            ):
                if value is not None and threshold is not None:
                    values |= {name: f'{value:.3f}', f'{name} threshold': f'{threshold:.3f}'}
            values['confidence'] = f'{result.confidence:.3f}'
            values['feature_similarity'] = f'{result.feature_similarity:.3f}'
            values['continuity'] = f'{result.continuity:.3f}'
            values['found'] = 'held' if result.held else 'yes' if result.found else 'no'
            values['position'] = (result.surfaces[0].problem if result.surfaces else '') or 'known'
        return values


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
