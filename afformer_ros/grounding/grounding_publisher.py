# SPDX-License-Identifier: Apache-2.0
"""The topics that the grounding node publishes."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import Header

from afformer_core.demonstrations.state import DemonstrationState
from afformer_core.outputs.outputs import (
    OUTPUT_TYPES,
    OutputMessages,
    OutputSettings,
    Placement,
)
from afformer_core.stream.results import CameraFrame, StreamedGrounding
from afformer_ros.msg import DemonstrationStatus
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.rclpy_messages import RclpyMessages, message_class

_LATCHED_QOS = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class GroundingPublisher:
    """Publishes results while the node is active, and the status of demonstrations always.

    Args:
        node: that publishes.
        qos: of the topics.
    """

    def __init__(self, node: LifecycleNode, qos: QosParameters) -> None:
        self._node = node
        self._factory = RclpyMessages()
        self._publishers: dict[str, Any] = {
            topic: node.create_lifecycle_publisher(
                message_class(type_name),
                topic,
                qos.profile(topic),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for topic, type_name in OUTPUT_TYPES.items()
        }
        self._status: Any = node.create_publisher(
            DemonstrationStatus, 'demonstration_status', _LATCHED_QOS
        )

    @property
    def wanted(self) -> bool:
        """Whether anybody listens to any result."""
        return any(one.get_subscription_count() for one in self._publishers.values())

    def publish(
        self,
        frame: CameraFrame,
        header: Header,
        result: StreamedGrounding,
        placement: Placement,
        settings: OutputSettings,
    ) -> None:
        """Publish a result to whoever listens.

        Args:
            frame: the image.
            header: of its message.
            result: of the image, in the frame of the camera.
            placement: where positions are published.
            settings: how results are shown.
        """
        messages = OutputMessages(self._factory, settings, frame, header, result, placement)
        for topic, publisher in self._publishers.items():
            if publisher.get_subscription_count():
                publisher.publish(messages.create(topic))

    def publish_state(self, state: DemonstrationState) -> None:
        """Publish what is known of the demonstrations."""
        status = DemonstrationStatus()
        status.header.stamp = self._node.get_clock().now().to_msg()
        status.state = int(state.phase)
        status.name, status.selected, status.message = state.name, state.selected, state.message
        status.frames, status.frames_kept = state.frames, state.frames_kept
        status.frames_lost = state.frames_lost
        status.duration, status.hands_seen = float(state.duration), state.hands_seen
        self._status.publish(status)

    def destroy(self) -> None:
        """Remove the topics."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._node.destroy_publisher(self._status)
