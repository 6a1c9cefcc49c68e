# SPDX-License-Identifier: Apache-2.0
"""The topics that the grounding node publishes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from afformer_core.runtime import Grounding
from afformer_ros.demonstrations import DemonstrationState
from afformer_ros.grounding_messages import affordance_message, marker_messages, peaks_of
from afformer_ros.image_conversion import to_message
from afformer_ros.msg import Affordance, DemonstrationStatus
from afformer_ros.overlay import draw_overlay
from afformer_ros.parameters import GroundingParameters

_RESULTS_QOS = QoSProfile(depth=5)
_LATCHED_QOS = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class GroundingPublisher:
    """Publishes results while the node is active, and the status of demonstrations always."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._heatmap = node.create_lifecycle_publisher(Image, 'heatmap', _RESULTS_QOS)
        self._overlay = node.create_lifecycle_publisher(Image, 'overlay', _RESULTS_QOS)
        self._affordance = node.create_lifecycle_publisher(Affordance, 'affordance', _RESULTS_QOS)
        self._markers = node.create_lifecycle_publisher(MarkerArray, 'markers', _RESULTS_QOS)
        self._status: Any = node.create_publisher(
            DemonstrationStatus, 'demonstration_status', _LATCHED_QOS
        )

    def publish_grounding(
        self,
        header: Header,
        image: NDArray[np.uint8],
        demonstration: str,
        grounding: Grounding,
        parameters: GroundingParameters,
    ) -> None:
        """Publish a grounding of uint8 RGB [H, W, 3] under the header of its image."""
        affordance = affordance_message(
            grounding, demonstration, header, parameters.minimum_confidence
        )
        self._affordance.publish(affordance)
        height, width = image.shape[:2]
        if self._markers.get_subscription_count():
            self._markers.publish(marker_messages(affordance, width, height))
        if self._heatmap.get_subscription_count():
            self._heatmap.publish(to_message(grounding.heatmap, '32FC1', header))
        if self._overlay.get_subscription_count():
            picture = draw_overlay(
                image,
                grounding.heatmap,
                peaks_of(affordance),
                _caption(affordance),
                parameters.overlay_opacity,
            )
            self._overlay.publish(to_message(picture, 'rgb8', header))

    def publish_state(self, state: DemonstrationState) -> None:
        """Publish what is known of the demonstrations."""
        status = DemonstrationStatus()
        status.header.stamp = self._node.get_clock().now().to_msg()
        status.state = int(state.phase)
        status.name, status.selected, status.message = state.name, state.selected, state.message
        status.frames, status.frames_kept = state.frames, state.frames_kept
        status.duration = state.duration
        self._status.publish(status)

    def destroy(self) -> None:
        """Remove the topics."""
        for publisher in (self._heatmap, self._overlay, self._affordance, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)
        self._node.destroy_publisher(self._status)


def _caption(affordance: Affordance) -> str:
    if not affordance.found:
        return f'not found (confidence {affordance.confidence:.2f})'
    best = affordance.actions[0]
    return f'{best.name} {best.score:.2f}, confidence {affordance.confidence:.2f}'
