# SPDX-License-Identifier: Apache-2.0
"""The grounding of camera images in the node, from their arrival to the published results."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import join_names
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.outputs import OPTIONAL_OUTPUT_TYPES, OUTPUT_TYPES, OutputMessages
from afformer_core.stream.pipeline import GroundingPipeline, Observation
from afformer_core.stream.settings import PipelineSettings
from afformer_ros.grounding.actions.ground_action import GroundAction
from afformer_ros.grounding.actions.ground_goal import GroundGoal
from afformer_ros.grounding.demonstrations.demonstration_topics import DemonstrationStatusPublisher
from afformer_ros.grounding.grounding_diagnostics import Event, GroundingStatistics, StageTimes
from afformer_ros.grounding.grounding_worker import GroundingWorker
from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.rclpy_messages import message_class


def available_output_types() -> dict[str, str]:
    """Return the types of all outputs whose packages are installed, by topic."""
    optional = {
        topic: type_name
        for topic, type_name in OPTIONAL_OUTPUT_TYPES.items()
        if importlib.util.find_spec(type_name.split('/')[0]) is not None
    }
    return {**OUTPUT_TYPES, **optional}


class GroundingPublisher:
    """A publisher of results while the node is active.

    Args:
        node: node that publishes.
        qos: quality of service of the topics.
    """

    def __init__(self, node: LifecycleNode, qos: QosParameters) -> None:
        self._node = node
        self._publishers: dict[str, Any] = {
            topic: node.create_lifecycle_publisher(
                message_class(type_name),
                topic,
                qos.profile(topic),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for topic, type_name in available_output_types().items()
        }

    @property
    def has_subscribers(self) -> bool:
        """Whether any result has a subscriber."""
        return any(publisher.get_subscription_count() for publisher in self._publishers.values())

    def publish(self, messages: OutputMessages) -> None:
        """Publish a result on the topics that have subscribers."""
        for topic, publisher in self._publishers.items():
            if publisher.get_subscription_count():
                publisher.publish(messages.create(topic))

    def destroy(self) -> None:
        """Remove the topics."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)


@dataclass(frozen=True)
class _Arrival:
    """An image message and its arrival.

    Attributes:
        message: the image.
        received: time of arrival, monotonic seconds.
        age: seconds from its stamp to its arrival, by the node's clock.
        expected_depth: object that keeps the depth of the image.
    """

    message: Image | CompressedImage
    received: float
    age: float
    expected_depth: object


class ImageGrounding:
    """The grounding of the newest image in the worker, and the publication of its result.

    Args:
        node: node whose clock and log are used.
        read_parameters: function that reads the current parameters.
        worker: worker that owns the demonstrations.
        pipeline: pipeline from an image to its result, used only in the worker's thread.
        publisher: publisher of the results.
        statistics: statistics, to which each image is reported.
        status: status of the demonstrations.
        action: goals for which images count.
        priority_lock: lock that is held while a result is composed and published.
    """

    def __init__(
        self,
        node: Node,
        read_parameters: Callable[[], GroundingParameters],
        worker: GroundingWorker[DemonstrationLibrary],
        pipeline: GroundingPipeline,
        publisher: GroundingPublisher,
        statistics: GroundingStatistics,
        status: DemonstrationStatusPublisher,
        action: GroundAction,
        priority_lock: threading.Lock,
    ) -> None:
        self._node = node
        self._read_parameters = read_parameters
        self._worker = worker
        self._pipeline = pipeline
        self._publisher = publisher
        self._statistics = statistics
        self._status = status
        self._action = action
        self._priority_lock = priority_lock
        self._revision = 0

    def take(self, message: Image | CompressedImage) -> None:
        """Queue an image for grounding, in place of a waiting one."""
        if not self._worker.grounding:
            return
        needed = self._publisher.has_subscribers or self._action.goals
        if not needed and self._read_parameters().lazy:
            self._statistics.count(Event.IGNORED)
            return
        stamp = message.header.stamp
        arrival = _Arrival(
            message,
            received=time.monotonic(),
            age=self._age(stamp),
            expected_depth=self._pipeline.expect(stamp_nanoseconds(stamp)),
        )
        replaced = self._worker.offer_image(lambda library: self._ground(library, arrival))
        if replaced and self._status.state.selected:
            self._statistics.count(Event.REPLACED)

    def _ground(self, library: DemonstrationLibrary, arrival: _Arrival) -> None:
        """Ground an image; called by the worker."""
        begin = time.monotonic()
        goal = self._action.current(arrival.received) if self._action.goals else None
        if goal is None and not library.selected:
            return
        settings = self._settings(goal)
        if library.revision != self._revision:
            self._revision = library.revision
            self._pipeline.begin_anew('another demonstration')
        observed = self._observe(library, arrival, goal, settings)
        if observed is None:
            return
        demonstration = library.selected if goal is None else join_names(goal.names)
        header = arrival.message.header
        placement = None if goal is None else self._action.placement(goal, header)
        with self._priority_lock:
            composed = self._pipeline.compose(observed, demonstration, settings)
            if not self._worker.grounding:
                return
            self._publisher.publish(composed.messages)
            published = time.monotonic()
            if goal is not None:
                self._action.grounded(goal, composed, placement)
        in_model = observed.prediction.seconds
        self._statistics.grounding_published(
            composed.result,
            StageTimes(
                age_at_arrival=arrival.age,
                wait=begin - arrival.received,
                preprocess=observed.decoded - begin,
                ground=in_model,
                postprocess=composed.composed - observed.decoded - in_model,
                publish=published - composed.composed,
                overhead=published - begin - in_model,
                end_to_end=self._age(arrival.message.header.stamp),
            ),
        )

    def _settings(self, goal: GroundGoal | None) -> PipelineSettings:
        settings = self._read_parameters()
        if goal is None:
            return settings
        if goal.criteria.minimum_presence:
            settings = replace(settings, minimum_presence=goal.criteria.minimum_presence)
        if goal.criteria.action:
            settings = replace(settings, action=goal.criteria.action)
        return settings

    def _observe(
        self,
        library: DemonstrationLibrary,
        arrival: _Arrival,
        goal: GroundGoal | None,
        settings: PipelineSettings,
    ) -> Observation | None:
        """Run the model; return None and report the reason if that fails."""
        predict = partial(library.predict, names=() if goal is None else goal.names)
        try:
            return self._pipeline.observe(arrival.message, predict, settings)
        except ImageError as error:
            self._statistics.image_refused(str(error))
            self._node.get_logger().warning(
                f'an image was skipped: {error}', throttle_duration_sec=5.0
            )
        except DemonstrationError as error:
            if goal is None:
                raise
            self._action.failed(goal, error)
        return None

    def _age(self, stamp: Time) -> float:
        """Compute the seconds since a stamp by the clock of the node; negative if it is ahead."""
        now = self._node.get_clock().now().nanoseconds
        return float((now - stamp_nanoseconds(stamp)) * 1e-9)
