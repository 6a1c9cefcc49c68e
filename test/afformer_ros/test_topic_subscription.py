# SPDX-License-Identifier: Apache-2.0
"""Subscriptions to images and what comes with them."""

import time

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from afformer_ros.quality_of_service import QosParameters
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription


class QuickNode(Node):
    """A node whose messages come before its subscriptions are known to who asked for them."""

    def create_subscription(self, message_type, topic, callback, *given, **named):
        subscription = super().create_subscription(message_type, topic, callback, *given, **named)
        if message_type in (Image, CameraInfo):
            callback(message_type(), {})
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
    qos, group = (
        QosParameters(demonstration_qos='DEFAULT', image_qos='SENSOR_DATA'),
        MutuallyExclusiveCallbackGroup(),
    )
    for topic in ('demonstration', 'image'):
        TopicSubscription(node, topic, IMAGE_KINDS['raw'], qos.input_quality(topic), print, group)
    found = node.get_subscriptions_info_by_topic('/camera/image_raw')
    assert sorted(one.qos_profile.reliability.name for one in found) == ['BEST_EFFORT', 'RELIABLE']


def test_an_image_that_comes_while_it_is_subscribed_to_is_counted(context):
    node, taken = QuickNode('grounding', context=context), []
    qos, group = QosParameters().input_quality('image'), MutuallyExclusiveCallbackGroup()
    images = TopicSubscription(node, 'image', IMAGE_KINDS['raw'], qos, taken.append, group)
    assert (images.watch.count, len(taken)) == (1, 1)


RELIABLE, BEST_EFFORT = QoSReliabilityPolicy.RELIABLE, QoSReliabilityPolicy.BEST_EFFORT


class Watched:
    """A subscription to images in a node that spins, and publishers beside it."""

    def __init__(self, context, *arguments):
        self.node = rclpy.create_node('grounding', context=context, cli_args=list(arguments))
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self.taken = []
        group = MutuallyExclusiveCallbackGroup()
        quality = QosParameters().input_quality('image')
        self.images = TopicSubscription(
            self.node, 'image', IMAGE_KINDS['auto'], quality, self.taken.append, group
        )

    def publisher(self, reliability, kind=Image):
        return self.node.create_publisher(
            kind, 'image', QoSProfile(depth=1, reliability=reliability)
        )

    def becomes(self, reliability, *publishers):
        """Whether it asks for a reliability in the end, and messages of all publishers come."""
        self.taken.clear()

        def heard():
            heard_of = {one.header.frame_id for one in self.taken}
            missing = [
                str(number) for number in range(len(publishers)) if str(number) not in heard_of
            ]
            # One at a time, since the subscription keeps but the last.
            for frame in missing[:1]:
                publisher = publishers[int(frame)]
                publisher.publish(publisher.msg_type(header=Header(frame_id=frame)))
            return self.images.qos.reliability == reliability and not missing

        return self._holds(heard)

    def spin(self, seconds):
        """Long enough for two looks at the publishers, where it is more than a second."""
        self._holds(lambda: False, seconds)

    def _holds(self, condition, seconds=10.0):
        end = time.monotonic() + seconds
        while not (held := condition()) and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.05)
        return held


def test_the_reliability_is_that_of_the_publishers_as_they_come_and_go(context):
    watched = Watched(context)
    assert watched.images.qos.reliability == RELIABLE
    reliable = watched.publisher(RELIABLE)
    assert watched.becomes(RELIABLE, reliable)
    best_effort = watched.publisher(BEST_EFFORT)
    assert watched.becomes(BEST_EFFORT, reliable, best_effort)
    watched.node.destroy_publisher(best_effort)
    assert watched.becomes(RELIABLE, reliable)


def test_a_publisher_that_offers_less_is_followed_at_once(context, monkeypatch):
    monkeypatch.setattr('afformer_ros.topic_subscription._POLL_PERIOD', 3600.0)
    watched = Watched(context)
    assert watched.becomes(BEST_EFFORT, watched.publisher(BEST_EFFORT))


def test_a_publisher_that_is_there_first_decides_at_once(context):
    publisher = rclpy.create_node('camera', context=context).create_publisher(
        Image, 'image', QoSProfile(depth=1, reliability=BEST_EFFORT)
    )
    node = rclpy.create_node('grounding', context=context)
    while not node.count_publishers(publisher.topic_name):
        time.sleep(0.01)
    quality, group = QosParameters().input_quality('image'), MutuallyExclusiveCallbackGroup()
    images = TopicSubscription(node, 'image', IMAGE_KINDS['raw'], quality, print, group)
    assert images.qos.reliability == BEST_EFFORT


@pytest.mark.parametrize(
    ('override', 'offered'), [('best_effort', RELIABLE), ('reliable', BEST_EFFORT)]
)
def test_an_override_by_parameter_is_asked_for_whatever_is_offered(context, override, offered):
    # Jazzy keeps the subscriptions of earlier tests for a while.
    topic = f'/{override}/image'
    parameter = f'qos_overrides.{topic}.subscription.reliability:={override}'
    watched = Watched(context, '--ros-args', '-r', f'__ns:=/{override}', '-p', parameter)
    watched.publisher(offered)
    watched.spin(1.2)
    found = watched.node.get_subscriptions_info_by_topic(topic)
    assert [one.qos_profile.reliability.name.lower() for one in found] == [override]
