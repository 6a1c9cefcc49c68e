# SPDX-License-Identifier: Apache-2.0
"""Limits of the arm client, over the topics of an arm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_ros.planner import arm_client
from afformer_ros.planner.arm_client import ArmClient, ArmError
from afformer_ros.planner.waiting import Waiting
from afformer_sim.arm.franka import ARM_JOINTS

from .stand_in_arm import FINGER, StandInArm

START = np.array([0.11, -0.52, 0.23, -2.04, 0.31, 1.77, 0.64])


class Connected:
    """The client of an arm, and the arm."""

    def __init__(self, arm: StandInArm, standstill: float = 20.0) -> None:
        self.arm = arm
        self.finished = threading.Event()
        node = arm.planner_node()
        waiting = Waiting(node.get_clock(), self.finished, standstill)
        self.client = ArmClient(node, ARM_JOINTS, FINGER, waiting)


@pytest.fixture
def connected() -> Iterator[Connected]:
    arm = StandInArm(start=START)
    made = Connected(arm)
    with arm:
        yield made


def moved(**by_joint: float) -> np.ndarray:
    """Positions of the start, with joints moved by radians."""
    positions = START.copy()
    for name, angle in by_joint.items():
        positions[int(name[-1]) - 1] += angle
    return positions


def times(connected: Connected) -> list[tuple[int, int]]:
    (message,) = connected.arm.messages
    return [(one.time_from_start.sec, one.time_from_start.nanosec) for one in message.points]


def test_a_joint_that_would_be_too_fast_gets_more_time(connected: Connected) -> None:
    connected.client.follow([moved(joint4=0.9)], 0.05)
    assert times(connected) == [(0, 750_000_000)]
    assert connected.arm.tracks[0].fastest() == pytest.approx(1.2, rel=1e-3)
    assert connected.arm.joints == pytest.approx(moved(joint4=0.9), abs=0.005)


def test_the_way_to_the_first_of_several_positions_counts(connected: Connected) -> None:
    connected.client.follow([moved(joint2=-0.6), moved(joint2=-0.57)], 0.3)
    assert times(connected) == [(0, 500_000_000), (1, 0)]


def test_what_is_slow_enough_takes_the_time_that_was_asked_for(connected: Connected) -> None:
    connected.client.follow([moved(joint6=0.12)], 0.65)
    assert times(connected) == [(0, 650_000_000)]


def test_an_arm_that_is_blocked_is_not_hurried_from_where_it_was_sent(
    connected: Connected,
) -> None:
    # It stays 0.6 rad behind, and is sent a little on from where it is.
    arm = connected.arm
    tip = arm.kinematics.tip(START).translation
    arm.wall = (tip, arm.kinematics.tip(moved(joint1=0.6)).translation - tip)
    arm.wall = (tip, -arm.wall[1])
    connected.client.follow([moved(joint1=0.6)], 0.1)
    assert arm.joints == pytest.approx(START)
    connected.client.follow([moved(joint1=-0.01)], 0.1)
    assert arm.tracks[1].fastest() <= 1.2 * 1.001


def test_a_state_that_was_measured_before_is_not_used(connected: Connected) -> None:
    arm, client = connected.arm, connected.client
    client.positions()
    arm.running = False
    # Joint states from before have arrived.
    threading.Event().wait(0.2)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(client.positions)
        threading.Event().wait(0.2)
        arm.publish_state(arm.now - 2 * 10**9, moved(joint3=0.4))
        threading.Event().wait(0.2)
        assert not asked.done()
        arm.publish_state(arm.now, moved(joint3=0.7))
        assert asked.result(5) == pytest.approx(moved(joint3=0.7))


def test_stamps_that_jump_while_the_arm_moves_do_not_end_the_motion(connected: Connected) -> None:
    with ThreadPoolExecutor() as pool:
        going = pool.submit(connected.client.follow, [moved(joint1=0.84)], 3.0)
        while not connected.arm.tracks:
            threading.Event().wait(0.01)
        for offset in (3.7, -2.2, 0.0):
            connected.arm.stamp_offset = round(offset * 1e9)
            threading.Event().wait(0.05)
        going.result(10)
    assert connected.arm.joints == pytest.approx(moved(joint1=0.84), abs=0.005)


@pytest.mark.parametrize(('offset', 'reason'), [(-8.0, 'before the'), (9.0, 'after the')])
def test_stamps_of_another_clock_are_a_reason(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, offset: float, reason: str
) -> None:
    monkeypatch.setattr(arm_client, '_PATIENCE', 0.3)
    connected.arm.stamp_offset = round(offset * 1e9)
    # Joint states from before have arrived.
    threading.Event().wait(0.2)
    with pytest.raises(ArmError, match=rf"{reason} planner's clock.*Set use_sim_time"):
        connected.client.follow([moved(joint2=0.2)], 0.5)
    assert connected.arm.messages == []


def test_a_position_that_is_no_number_is_neither_believed_nor_sent(connected: Connected) -> None:
    with pytest.raises(ArmError, match='expected finite positions'):
        connected.client.follow([moved(joint2=0.2), moved(joint2=np.nan)], 0.5)
    connected.arm.joints = moved(joint5=np.nan)
    threading.Event().wait(0.2)
    with pytest.raises(ArmError, match=r'joint_states has .*nan.*expected finite positions'):
        connected.client.positions()
    assert connected.arm.messages == []


def test_a_planner_that_is_stopped_halts_the_arm_where_it_is(connected: Connected) -> None:
    arm = connected.arm
    with ThreadPoolExecutor() as pool:
        going = pool.submit(connected.client.follow, [moved(joint1=2.4)], 20.0)
        while abs(arm.joints[0] - START[0]) < 0.1:
            threading.Event().wait(0.005)
        connected.finished.set()
        with pytest.raises(ArmError, match='the planner was stopped'):
            going.result(5)
    while len(arm.messages) < 2:
        threading.Event().wait(0.005)
    halted = arm.messages[1].points[-1].positions
    assert halted == pytest.approx(arm.joints, abs=0.02)
    # It halts where it was last seen, which may be a little before.
    assert 0.05 < halted[0] - START[0] < 0.6


def test_a_clock_that_stands_still_is_a_reason() -> None:
    arm = StandInArm(start=START)
    connected = Connected(arm, standstill=0.4)
    with arm:
        connected.client.positions()
        arm.running = False
        with pytest.raises(ArmError, match=r'has stood still for 0\.4 s.*is /clock published'):
            connected.client.follow([moved(joint1=0.1)], 1.0)


def test_waiting_takes_the_time_of_the_arm(connected: Connected) -> None:
    connected.arm.speed = 0.5
    before = connected.arm.now
    connected.client.wait(0.46)
    assert 0.46e9 <= connected.arm.now - before < 2e9
