# SPDX-License-Identifier: Apache-2.0
"""Static transforms that are broadcast, with and without tf2."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, cast

import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from std_msgs.msg import Header

from afformer_ros.sim_robot.frame_broadcaster import FrameBroadcaster

POSE = PoseStamped(
    header=Header(stamp=Time(sec=41, nanosec=7), frame_id='panda_link0'),
    pose=Pose(
        position=Point(x=0.4, y=-0.7, z=1.1),
        orientation=Quaternion(x=0.48, y=-0.36, z=0.64, w=0.48),
    ),
)


class Node:
    """A node that keeps what it logs."""

    def __init__(self) -> None:
        self.logged: list[str] = []

    def get_logger(self) -> Any:
        return self

    def info(self, text: str) -> None:
        self.logged.append(text)


def test_the_pose_of_a_frame_is_its_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Broadcaster:
        def __init__(self, node: object) -> None:
            assert isinstance(node, Node)

        def sendTransform(self, transform: object) -> None:  # noqa: N802
            sent.append(transform)

    tf2 = ModuleType('tf2_ros')
    cast(Any, tf2).StaticTransformBroadcaster = Broadcaster
    monkeypatch.setitem(sys.modules, 'tf2_ros', tf2)
    FrameBroadcaster(cast(Any, Node())).send(POSE, 'camera')
    (got,) = sent
    assert (got.header, got.child_frame_id) == (POSE.header, 'camera')
    shift = got.transform.translation
    assert (shift.x, shift.y, shift.z) == (0.4, -0.7, 1.1)
    assert got.transform.rotation == POSE.pose.orientation


def test_without_tf2_nothing_is_broadcast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    node = Node()
    FrameBroadcaster(cast(Any, node)).send(POSE, 'camera')
    assert node.logged == ['tf2_ros is not installed; only camera_pose publishes the frames']
