# SPDX-License-Identifier: Apache-2.0
"""Subscriptions to images and what comes with them, and reasons why messages are missing."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from afformer_ros.grounding.parameters import QosParameters
from afformer_ros.topic_subscription import IMAGE_KINDS, TopicSubscription, TopicWatch, mismatch
from test.waiting import wait_until

TYPE = 'sensor_msgs/msg/Image'
BEST_EFFORT_PROFILE = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
RELIABLE_PROFILE = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class Topic:
    """A topic with publishers and a subscription, at a time that is set."""

    topic_name = '/robot/image'
    message_type = TYPE

    def __init__(self, depth: int = 5) -> None:
        self.qos = QoSProfile(depth=depth)
        self.now = 700.0
        self.publishers: list[Any] = []

    def add_publisher(self, namespace: str, name: str) -> None:
        publisher = SimpleNamespace(
            node_namespace=namespace,
            node_name=name,
            topic_type=TYPE,
            qos_profile=QoSProfile(depth=3),
            endpoint_gid=[len(self.publishers)],
        )
        self.publishers.append(publisher)

    def get_publishers_info_by_topic(self, name: str) -> list[Any]:
        assert name == self.topic_name
        return self.publishers

    def count_publishers(self, name: str) -> int:
        return len(self.get_publishers_info_by_topic(name))

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> TopicWatch:
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr('afformer_ros.topic_subscription.time', clock)
        node: Any = self
        return TopicWatch(node, 'image', self)


def number(value: int | None, publisher: bytes = b'camera') -> dict[str, Any]:
    return {'publication_sequence_number': value, 'publisher_gid': {'data': publisher}}


def test_publishers_that_send_nothing_any_more_are_named_with_the_time_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = Topic()
    watch = topic.watch(monkeypatch)
    topic.add_publisher('/', 'left')
    topic.add_publisher('/robot', 'right')
    watch.arrived()
    topic.now += 1.75
    assert watch.problem() == ''
    topic.now += 5.75
    assert watch.problem() == (
        'no message has arrived on /robot/image for 7.5 s from 2 publishers (/left, '
        '/robot/right). If ros2 topic hz /robot/image shows messages, start this node again; else '
        'resume the publisher'
    )


def test_before_the_first_message_the_time_is_that_since_there_is_a_publisher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = Topic()
    watch = topic.watch(monkeypatch)
    assert watch.problem() == 'nobody publishes /robot/image'
    topic.now += 5.0
    topic.add_publisher('/', 'camera')
    assert watch.problem() == 'no message has arrived on /robot/image yet'
    topic.now += 6.25
    assert 'for 6.2 s from 1 publisher (/camera)' in watch.problem()
    topic.publishers.clear()
    watch.problem()
    topic.now += 9.0
    topic.add_publisher('/', 'camera')
    assert watch.problem() == 'no message has arrived on /robot/image yet'


def test_a_message_that_is_both_missing_and_reported_is_lost_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = Topic()
    watch = topic.watch(monkeypatch)
    told = []
    watch.arrived(number(10))
    watch.lost(3)
    told.append(watch.lost_count)
    watch.arrived(number(16))
    told.append(watch.lost_count)
    watch.lost(4)
    told.append(watch.lost_count)
    assert told == [3, 5, 7]
    assert '7 of 9 messages of the last 5 s on /robot/image were lost on the way' in watch.loss()
    topic.now += 5.5
    assert watch.loss() == ''
    assert watch.values()['lost'] == '7'


def test_with_another_middleware_numbers_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    name = 'rmw_cyclonedds_cpp'
    monkeypatch.setattr('rclpy.utilities.get_rmw_implementation_identifier', lambda: name)
    topic = Topic()
    topic.qos.reliability = QoSReliabilityPolicy.BEST_EFFORT
    watch = topic.watch(monkeypatch)
    watch.arrived(number(10))
    watch.arrived(number(16))
    watch.lost(3)
    values = watch.values()
    assert values['lost'] == '3'
    reason = 'the middleware is rmw_cyclonedds_cpp, not Fast DDS'
    assert values['losses by sequence number'] == f'not counted: {reason}'
    assert watch.loss().endswith('lost on the way. Have its publisher offer RELIABLE')


@pytest.mark.parametrize(
    ('depth', 'arrived', 'lost'),
    [
        pytest.param(5, [number(n) for n in (40, 41, 45, 46)], 3, id='three are missing'),
        pytest.param(
            5,
            [number(40), number(900, b'right'), number(41), number(903, b'right'), number(43)],
            3,
            id='each publisher counts its own',
        ),
        pytest.param(5, [number(40), None, number(42)], 1, id='no info'),
        pytest.param(5, [number(40), number(None), number(42)], 1, id='no number'),
        pytest.param(5, [number(40), number(2**64 - 1), number(42)], 1, id='unnumbered'),
        pytest.param(
            5,
            [{'publication_sequence_number': 40}, {'publication_sequence_number': 43}],
            0,
            id='no publisher',
        ),
        pytest.param(1, [number(10), number(14)], 0, id='a queue of one keeps the newest'),
    ],
)
def test_missing_numbers_are_lost_messages(
    monkeypatch: pytest.MonkeyPatch, depth: int, arrived: list[dict[str, Any] | None], lost: int
) -> None:
    watch = Topic(depth=depth).watch(monkeypatch)
    for info in arrived:
        watch.arrived(info)
    assert watch.lost_count == lost


def test_two_lost_messages_are_tolerated(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Topic().watch(monkeypatch)
    for info in (number(10), number(13)):
        watch.arrived(info)
    assert watch.loss() == ''
    watch.arrived(number(15))
    assert watch.loss().startswith('3 of 6 messages')


def test_what_was_sent_before_a_new_subscription_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = Topic().watch(monkeypatch)
    watch.arrived(number(10))
    watch.subscribed()
    watch.arrived(number(30))
    assert watch.lost_count == 0


@pytest.mark.parametrize(
    ('offered', 'requested', 'problem'),
    [
        (RELIABLE_PROFILE, BEST_EFFORT_PROFILE, ''),
        (BEST_EFFORT_PROFILE, BEST_EFFORT_PROFILE, ''),
        (LATCHED, BEST_EFFORT_PROFILE, ''),
        (
            BEST_EFFORT_PROFILE,
            RELIABLE_PROFILE,
            '/camera offers image with best_effort; expected reliable. '
            'set image_qos to auto or sensor_data',
        ),
        (
            RELIABLE_PROFILE,
            LATCHED,
            'the quality of service of /camera does not fit image: .*transient local.*',
        ),
    ],
)
def test_qualities_that_do_not_fit_are_told(offered, requested, problem):
    told = mismatch('image', '/camera', offered, requested)
    assert re.fullmatch(problem, told.lower(), re.S)


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
        """Wait until it asks for a reliability, and messages of all publishers come."""
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

        wait_until(heard, pause=self.spin)

    def spin(self, seconds=0.05):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)


def test_the_reliability_is_that_of_the_publishers_as_they_come_and_go(context):
    watched = Watched(context)
    assert watched.images.qos.reliability == RELIABLE
    reliable = watched.publisher(RELIABLE)
    watched.becomes(RELIABLE, reliable)
    best_effort = watched.publisher(BEST_EFFORT)
    watched.becomes(BEST_EFFORT, reliable, best_effort)
    watched.node.destroy_publisher(best_effort)
    watched.becomes(RELIABLE, reliable)


def test_a_publisher_that_offers_less_is_followed_at_once(context, monkeypatch):
    monkeypatch.setattr('afformer_ros.topic_subscription._POLL_PERIOD', 3600.0)
    watched = Watched(context)
    watched.becomes(BEST_EFFORT, watched.publisher(BEST_EFFORT))


def test_a_publisher_that_is_there_first_decides_at_once(context):
    publisher = rclpy.create_node('camera', context=context).create_publisher(
        Image, 'image', QoSProfile(depth=1, reliability=BEST_EFFORT)
    )
    node = rclpy.create_node('grounding', context=context)
    wait_until(lambda: node.count_publishers(publisher.topic_name))
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
    # Long enough for two looks at the publishers.
    watched.spin(1.2)
    found = watched.node.get_subscriptions_info_by_topic(topic)
    assert [one.qos_profile.reliability.name.lower() for one in found] == [override]
