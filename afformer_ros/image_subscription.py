# SPDX-License-Identifier: Apache-2.0
"""A subscription to raw or compressed images, whichever the publisher sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from afformer_ros.quality_of_service import InputQuality
from afformer_ros.topic_subscription import TopicSubscription

_KINDS = {
    'raw': (Image,),
    'compressed': (CompressedImage,),
    'auto': (Image, CompressedImage),
}


class ImageSubscription(TopicSubscription):
    """A subscription that calls back with every image of a topic (see `TopicSubscription`).

    Args:
        node: node that subscribes.
        topic: relative name.
        image_type: 'raw', 'compressed', or 'auto' for the type of the publishers, which is raw
            before there is one.
        quality: requested quality of service, unless parameters `qos_overrides` say otherwise.
        callback: called with the message.
        group: group in which `callback` runs.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        image_type: str,
        quality: InputQuality,
        callback: Callable[[Any], None],
        group: CallbackGroup,
    ) -> None:
        super().__init__(node, topic, _KINDS[image_type], quality, callback, group)
