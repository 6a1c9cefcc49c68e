# SPDX-License-Identifier: Apache-2.0
"""Simulated time that waits for who needs it, without a graph."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo, JointState

from afformer_ros.robot_trials import lock_step
from afformer_ros.robot_trials.lock_step import LockStep
from afformer_ros.sim_robot import acknowledgement
from afformer_ros.sim_robot.acknowledgement import Acknowledgement


class Wall:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    made = Wall()
    for module in (lock_step, acknowledgement):
        monkeypatch.setattr(module, 'time', made)
    return made


class Node:
    """A node that keeps its callbacks and what it publishes."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callable[[Any], None]] = {}
        self.sent: list[int] = []
        self.tick: Callable[[], None] = lambda: None

    def create_publisher(self, kind: type, topic: str, _: int) -> Any:
        assert (kind, topic) == (Time, 'sim_robot/acknowledge')
        return SimpleNamespace(publish=lambda stamp: self.sent.append(stamp.nanosec // 10**6))

    def create_subscription(
        self, kind: type, topic: str, callback: Callable[[Any], None], _: Any
    ) -> None:
        self.callbacks[topic] = callback

    def create_timer(self, _: float, callback: Callable[[], None], clock: Any) -> None:
        self.tick = callback


def stamp(milliseconds: int) -> Time:
    return Time(nanosec=milliseconds * 10**6)


class Trial:
    """The lock-step of a trial."""

    def __init__(self) -> None:
        self.grounding = SimpleNamespace(busy=False, grounded=0)
        self.node = Node()
        LockStep(cast(Any, self.node), cast(Any, self.grounding), 'sim_robot')

    def state(self, milliseconds: int) -> None:
        message = JointState()
        message.header.stamp = stamp(milliseconds)
        self.node.callbacks['joint_states'](message)

    def image(self) -> None:
        self.node.callbacks['camera_info'](CameraInfo())


@pytest.fixture
def trial(wall: Wall) -> Trial:
    return Trial()


def test_each_state_is_acknowledged_while_nothing_is_grounded(trial: Trial) -> None:
    for milliseconds in (10, 20, 30):
        trial.image()
        trial.state(milliseconds)
    assert trial.node.sent == [10, 20, 30]


def test_time_waits_for_the_images_of_an_open_goal(trial: Trial) -> None:
    trial.state(10)
    trial.grounding.busy = True
    trial.image()
    trial.state(20)
    trial.image()
    trial.state(30)
    trial.node.tick()
    assert trial.node.sent == [10, 20]
    trial.grounding.grounded = 1
    trial.node.tick()
    assert trial.node.sent == [10, 20, 30]


@pytest.mark.parametrize('ended', ['the goal', 'the patience'])
def test_time_advances_after_the_goal_or_if_an_image_is_lost(
    trial: Trial, wall: Wall, ended: str
) -> None:
    trial.grounding.busy = True
    trial.image()
    trial.image()
    trial.state(30)
    wall.now += 9.5
    trial.node.tick()
    assert trial.node.sent == []
    if ended == 'the goal':
        trial.grounding.busy = False
    else:
        wall.now += 0.6
    trial.node.tick()
    assert trial.node.sent == [30]


def test_the_robot_is_at_most_two_periods_ahead_of_the_acknowledgement(wall: Wall) -> None:
    node = Node()
    made = Acknowledgement(cast(Any, node), 10_000_000)
    assert made.covers(10_000_000)
    assert not made.covers(20_000_000)
    node.callbacks['~/acknowledge'](stamp(20))
    assert made.covers(30_000_000)
    assert not made.covers(40_000_000)
    # Earlier ones may arrive late.
    node.callbacks['~/acknowledge'](stamp(10))
    assert made.covers(30_000_000)


def test_a_lost_acknowledgement_does_not_stop_time_for_good(wall: Wall) -> None:
    made = Acknowledgement(cast(Any, Node()), 10_000_000)
    assert not made.covers(50_000_000)
    wall.now += 15.5
    assert made.covers(50_000_000)
    assert made.covers(60_000_000)
    assert not made.covers(70_000_000)
