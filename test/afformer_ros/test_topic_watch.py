# SPDX-License-Identifier: Apache-2.0
"""Reasons why messages of a topic are missing, and the number that are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rclpy.qos import QoSProfile

from afformer_ros.topic_watch import TopicWatch

TYPE = 'sensor_msgs/msg/Image'


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
        monkeypatch.setattr('afformer_ros.topic_watch.time', clock)
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
