# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of the grounding node to depth and camera_info."""

from __future__ import annotations

from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo

from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.stream.spatial_inputs import SpatialInputs, is_rectified
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription
from afformer_ros.topic_watch import TopicWatch


class SpatialSubscriptions:
    """The subscriptions that fill the buffers of depth and calibration.

    Args:
        node: node that subscribes.
        parameters: parameters at the time of configuration.
        qos: quality of service of the topics.
        group: callback group of the subscriptions.

    Attributes:
        inputs: buffers of the messages.
    """

    def __init__(
        self,
        node: Node,
        parameters: GroundingParameters,
        qos: QosParameters,
        group: CallbackGroup,
    ) -> None:
        self.inputs = SpatialInputs(
            node.resolve_topic_name('depth'),
            node.resolve_topic_name('camera_info'),
            rectified=is_rectified(
                parameters.image_rectification, node.resolve_topic_name('image')
            ),
        )
        self._depth = TopicSubscription(
            node,
            'depth',
            IMAGE_KINDS[parameters.depth_type],
            qos.input_quality('depth'),
            self._depth_arrived,
            group,
        )
        self._camera_info = TopicSubscription(
            node,
            'camera_info',
            (CameraInfo,),
            qos.input_quality('camera_info'),
            self.inputs.add_camera_info,
            group,
        )

    @property
    def depth_watch(self) -> TopicWatch:
        """Watch of the subscription to depth."""
        return self._depth.watch

    @property
    def camera_info_watch(self) -> TopicWatch:
        """Watch of the subscription to camera_info."""
        return self._camera_info.watch

    def destroy(self) -> None:
        """End the subscriptions."""
        self._depth.destroy()
        self._camera_info.destroy()

    def _depth_arrived(self, message: Any) -> None:
        self.inputs.add_depth(stamp_nanoseconds(message.header.stamp), message)
