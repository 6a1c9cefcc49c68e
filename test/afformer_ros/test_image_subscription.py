# SPDX-License-Identifier: Apache-2.0
"""Subscriptions to images and what comes with them."""

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image

from afformer_ros.image_subscription import ImageSubscription
from afformer_ros.parameters import GroundingParameters
from afformer_ros.quality_of_service import QosParameters
from afformer_ros.spatial_inputs import SpatialInputs


class QuickNode(Node):
    """A node whose messages come before its subscriptions are known to who asked for them."""

    def create_subscription(self, message_type, topic, callback, *given, **named):
        subscription = super().create_subscription(message_type, topic, callback, *given, **named)
        if message_type in (Image, CameraInfo):
            callback(message_type())
        return subscription


@pytest.fixture
def context():
    made = rclpy.Context()
    rclpy.init(context=made)
    yield made
    made.try_shutdown()


def test_two_names_of_one_topic_keep_their_own_quality_of_service(context):
    remapped = ['-r', 'image:=/camera/image_raw', '-r', 'demonstration:=/camera/image_raw']
    node = rclpy.create_node(
        'grounding',
        context=context,
        cli_args=['--ros-args', *remapped],
        use_global_arguments=False,
    )
    qos, group = QosParameters(demonstration_qos='DEFAULT'), MutuallyExclusiveCallbackGroup()
    for topic in ('demonstration', 'image'):
        ImageSubscription(node, topic, 'raw', qos.profile(topic), print, group)
    found = node.get_subscriptions_info_by_topic('/camera/image_raw')
    assert sorted(one.qos_profile.reliability.name for one in found) == ['BEST_EFFORT', 'RELIABLE']


def test_an_image_that_comes_while_it_is_subscribed_to_is_counted(context):
    node, taken = QuickNode('grounding', context=context), []
    qos, group = QosParameters().profile('image'), MutuallyExclusiveCallbackGroup()
    images = ImageSubscription(node, 'image', 'raw', qos, taken.append, group)
    assert (images.watch.count, len(taken)) == (1, 1)


def test_depth_and_calibration_may_come_while_they_are_subscribed_to(context):
    node, group = QuickNode('grounding', context=context), MutuallyExclusiveCallbackGroup()
    spatial = SpatialInputs(node, GroundingParameters(), QosParameters(), group)
    assert (spatial.depth_watch.count, spatial.camera_info_watch.count) == (1, 1)
