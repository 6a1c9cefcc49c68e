# SPDX-License-Identifier: Apache-2.0
"""The topics of results that the grounding node publishes."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos_overriding_options import QoSOverridingOptions

from afformer_core.outputs.outputs import OUTPUT_TYPES, OutputMessages
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.rclpy_messages import message_class


class GroundingPublisher:
    """Publishes results while the node is active.

    Args:
        node: that publishes.
        qos: of the topics.
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
            for topic, type_name in OUTPUT_TYPES.items()
        }

    @property
    def expected(self) -> bool:
        """Whether anybody listens to any result."""
        return any(one.get_subscription_count() for one in self._publishers.values())

    def publish(self, messages: OutputMessages) -> None:
        """Publish a result to whoever listens."""
        for topic, publisher in self._publishers.items():
            if publisher.get_subscription_count():
                publisher.publish(messages.create(topic))

    def destroy(self) -> None:
        """Remove the topics."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
