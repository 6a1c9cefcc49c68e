# SPDX-License-Identifier: Apache-2.0
"""Plays topics of a bag into DDS: `python bag_player.py BAG RATE TOPIC[=NEW_NAME] ...`.

A rate of 1 is the pace at which they were recorded.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

import rclpy
from rclpy.qos import QoSProfile
from rosbags.highlevel import AnyReader

from afformer_ros.environment import prepare_environment


def main(bag: str, rate: str, *topics: str) -> None:
    """Publish the recorded bytes as they are."""
    prepare_environment()
    rclpy.init()
    node = rclpy.create_node('bag_player')
    names = {one.split('=')[0]: one.split('=')[-1] for one in topics}
    with AnyReader([Path(bag)]) as reader:
        connections = [one for one in reader.connections if one.topic in names]
        publishers = {
            one.topic: node.create_publisher(
                _message_class(one.msgtype), names[one.topic], QoSProfile(depth=10)
            )
            for one in connections
        }
        while not all(one.get_subscription_count() for one in publishers.values()):
            time.sleep(0.02)
        begin, first = time.monotonic(), None
        for connection, stamp, data in reader.messages(connections):
            first = stamp if first is None else first
            due = begin + (stamp - first) * 1e-9 / float(rate)
            time.sleep(max(0.0, due - time.monotonic()))
            publishers[connection.topic].publish(bytes(data))
    # The last messages are still on their way.
    time.sleep(0.5)
    node.destroy_node()
    rclpy.shutdown()


def _message_class(type_name: str) -> type:
    package, kind, name = type_name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), name)


if __name__ == '__main__':
    main(*sys.argv[1:])
