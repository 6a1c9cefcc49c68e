# SPDX-License-Identifier: Apache-2.0
"""The arm client over the topics of an arm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
import pytest
from geometry_msgs.msg import Vector3, Wrench, WrenchStamped

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_core.manipulation.arm import ArmReading
from afformer_ros.planner import joint_states, trajectory_controllers
from afformer_ros.planner.joint_states import ArmError, StoppedError
from afformer_ros.planner.trajectory_controllers import choose
from test.waiting import PATIENCE, wait_until

from .connected_arm import START, Connected, line, moved
from .stand_in_arm import StandInArm


@pytest.fixture
def connected() -> Iterator[Connected]:
    arm = StandInArm(start=START)
    made = Connected(arm, efforts_known=True)
    with arm:
        yield made


def times(connected: Connected) -> list[tuple[int, int]]:
    message = connected.arm.messages[-1]
    return [(one.time_from_start.sec, one.time_from_start.nanosec) for one in message.points]


def test_a_motion_arrives_with_its_velocities_and_accelerations(connected: Connected) -> None:
    motion = line(moved(joint4=0.9, joint2=-0.3), 1.3)
    assert connected.client.follow(motion)
    assert connected.arm.joints == pytest.approx(moved(joint4=0.9, joint2=-0.3), abs=0.005)
    assert times(connected) == [(0, 200_000_000), (0, 590_000_000), (1, 500_000_000)]
    (message,) = connected.arm.messages
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (0, 0)
    for name in ('positions', 'velocities', 'accelerations'):
        sent = [getattr(point, name).tolist() for point in message.points]
        assert sent == getattr(motion, name).tolist()


def test_a_motion_that_begins_elsewhere_is_not_sent(connected: Connected) -> None:
    with pytest.raises(ArmError, match=r'begins 0\.07 rad from where .* at most 0\.05 rad'):
        connected.client.follow(line(moved(joint3=0.4), 0.5, start=moved(joint3=-0.07)))
    assert connected.arm.messages == []


def test_a_motion_continues_from_where_a_blocked_arm_is_held(connected: Connected) -> None:
    arm = connected.arm
    connected.block()
    connected.client.follow(line(moved(joint1=0.08), 0.4))
    assert arm.joints == pytest.approx(START)
    connected.client.follow(line(moved(joint1=-0.3), 0.4))
    points = arm.messages[1].points
    assert points[0].positions == pytest.approx(moved(joint1=0.08))
    assert points[2].positions == pytest.approx(moved(joint1=-0.3))
    assert times(connected)[0] == (0, 160_000_000)
    assert arm.joints == pytest.approx(moved(joint1=-0.3), abs=0.005)


def test_a_motion_begins_where_an_arm_was_moved_by_something_else(connected: Connected) -> None:
    arm = connected.arm
    connected.client.follow(line(moved(joint1=0.2), 0.4))
    arm.tracks[-1].positions[:] = moved(joint1=-0.4)
    wait_until(lambda: arm.joints[0] < START[0])
    connected.client.follow(line(moved(joint1=-0.5), 0.4, start=moved(joint1=-0.4)))
    assert arm.messages[1].points[0].positions == pytest.approx(moved(joint1=-0.4))
    assert times(connected)[0] == (1, 200_000_000)


def test_a_guard_halts_the_arm_where_it_is(connected: Connected) -> None:
    arm, seen = connected.arm, []

    def guard(reading: ArmReading) -> bool:
        seen.append(reading.positions[0])
        return bool(reading.positions[0] > START[0] + 0.3)

    arm.speed = 5.0
    assert not connected.client.follow(line(moved(joint1=2.4), 8.0), guard)
    _, halt = arm.messages
    assert halt.points[0].positions[0] == seen[-1] > START[0] + 0.3 > seen[-2]
    # It stands still already.
    assert arm.joints == pytest.approx(halt.points[0].positions, abs=1e-6)
    # Nothing remains of what it was commanded before.
    connected.client.follow(line(arm.joints + 0.01, 0.4, start=arm.joints))
    assert arm.messages[2].points[0].positions == pytest.approx(
        arm.messages[1].points[0].positions
    )
    assert times(connected)[0] == (0, 200_000_000)


def test_an_arm_that_moves_on_after_a_halt_is_an_error(connected: Connected) -> None:
    def guard(reading: ArmReading) -> bool:
        connected.arm.deaf = bool(reading.positions[0] > START[0])
        return connected.arm.deaf

    connected.arm.speed = 5.0
    with pytest.raises(ArmError, match=r'moves on 1 s after it was halted.*joint_trajectory'):
        connected.client.follow(line(moved(joint1=2.4), 40.0), guard)


def test_an_error_of_a_guard_halts_the_arm(connected: Connected) -> None:
    def guard(_: ArmReading) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        connected.client.follow(line(moved(joint1=2.4), 8.0), guard)
    wait_until(lambda: [len(one.points) for one in connected.arm.messages][-1:] == [1])


def test_joint_states_that_end_halt_the_arm_where_it_should_be(connected: Connected) -> None:
    arm = connected.arm
    arm.speed = 2.0

    def guard(reading: ArmReading) -> bool:
        arm.silent = bool(reading.positions[0] > START[0] + 0.2)
        return False

    with pytest.raises(ArmError, match=r'halted on its way: no joint state: 0\.3 s have passed'):
        connected.client.follow(line(moved(joint1=2.4), 8.0), guard)
    wait_until(lambda: len(arm.messages) == 2)
    # It is due 0.3 rad a second, and was seen last at 0.2 rad.
    halted = arm.messages[1].points[0].positions[0] - START[0]
    assert halted == pytest.approx(arm.joints[0] - START[0], abs=0.1)
    assert halted > 0.28


def test_an_effort_counts_only_if_each_joint_has_one(connected: Connected) -> None:
    arm, client = connected.arm, connected.client
    assert client.reading().efforts is None
    arm.efforts = [4.1, -7.2, 0.3, 11.0, 2.5, -0.6, 0.9, 30.0]
    wait_until(lambda: client.reading().efforts is not None)
    before, reading = connected.waiting.now(), client.reading()
    assert reading.efforts == pytest.approx([4.1, -7.2, 0.3, 11.0, 2.5, -0.6, 0.9])
    assert before * 1e-9 <= reading.seconds <= arm.now * 1e-9
    unknown = Connected(arm, name='other')
    assert unknown.client.reading().efforts is None
    arm.efforts[5] = np.nan
    wait_until(lambda: client.reading().efforts is None)


def test_a_force_sensor_that_ends_while_a_guard_needs_it_halts_the_arm(
    connected: Connected,
) -> None:
    arm, client = connected.arm, connected.client
    assert client.reading().force is None
    publisher = arm.node.create_publisher(WrenchStamped, 'wrench', 1)
    wait_until(publisher.get_subscription_count)
    message = WrenchStamped(wrench=Wrench(force=Vector3(x=1.5, y=-2.25, z=14.0)))
    readings: list[ArmReading] = []

    def guard(reading: ArmReading) -> bool:
        readings.append(reading)
        if len(readings) < 9:
            publisher.publish(message)
        return False

    with pytest.raises(ArmError, match=r'halted on its way: wrench is silent: 0\.3 s have'):
        client.follow(line(moved(joint1=2.4), 80.0), guard)
    assert readings[-1].force == pytest.approx([1.5, -2.25, 14.0])
    wait_until(lambda: len(arm.messages) == 2)
    # Without a guard, nobody needs it.
    client.follow(line(arm.joints + 0.01, 0.3, start=arm.joints))


def test_a_force_that_is_no_number_is_an_error(connected: Connected) -> None:
    publisher = connected.arm.node.create_publisher(WrenchStamped, 'wrench', 1)
    wait_until(publisher.get_subscription_count)
    publisher.publish(WrenchStamped(wrench=Wrench(force=Vector3(x=np.nan))))
    with pytest.raises(ArmError, match=r'wrench has the force \[nan, 0.0, 0.0\]; expected finite'):
        wait_until(lambda: connected.client.reading().force is not None)


def test_a_gripper_rests_where_an_object_stops_it(connected: Connected) -> None:
    connected.arm.object_width = 0.013
    assert connected.client.grip(0.002, 20.0) == pytest.approx(0.013)
    assert connected.client.gripper_position() == pytest.approx(0.013)
    connected.client.grip(0.03, 0.0)
    limited, free = (message.points[0].effort.tolist() for message in connected.arm.grips)
    assert (limited, free) == ([20.0], [])


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
        assert asked.result(PATIENCE) == pytest.approx(moved(joint3=0.7))
        # A simulation that was started again has set the clock back.
        arm.now += 9000 * 10**9
        arm.running = True
        wait_until(lambda: connected.waiting.now() > 9000 * 10**9)
        arm.running = False
        again = pool.submit(client.positions)
        threading.Event().wait(0.2)
        arm.now, arm.running = 5 * 10**9, True
        assert again.result(PATIENCE) == pytest.approx(START)


def test_stamps_that_jump_while_the_arm_moves_do_not_end_the_motion(connected: Connected) -> None:
    with ThreadPoolExecutor() as pool:
        going = pool.submit(connected.client.follow, line(moved(joint1=0.84), 3.0))
        wait_until(lambda: connected.arm.tracks)
        for offset in (3.7, -2.2, 0.0):
            connected.arm.stamp_offset = round(offset * 1e9)
            threading.Event().wait(0.05)
        going.result(PATIENCE)
    assert connected.arm.joints == pytest.approx(moved(joint1=0.84), abs=0.005)


@pytest.mark.parametrize(('offset', 'reason'), [(-8.0, 'before the'), (9.0, 'after the')])
def test_stamps_of_another_clock_are_a_reason(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, offset: float, reason: str
) -> None:
    monkeypatch.setattr(joint_states, '_PATIENCE', 0.3)
    connected.arm.stamp_offset = round(offset * 1e9)
    # Joint states from before have arrived.
    threading.Event().wait(0.2)
    with pytest.raises(ArmError, match=rf"{reason} planner's clock.*Set use_sim_time"):
        connected.client.follow(line(moved(joint2=0.2), 0.5))
    assert connected.arm.messages == []


def test_a_position_that_is_no_number_is_not_believed(connected: Connected) -> None:
    connected.arm.joints = moved(joint5=np.nan)
    threading.Event().wait(0.2)
    with pytest.raises(ArmError, match=r'joint_states has .*nan.*expected finite positions'):
        connected.client.follow(line(moved(joint2=0.2), 0.5))
    with pytest.raises(ArmError, match='expected finite positions'):
        connected.client.grip(np.nan, 0.0)
    assert connected.arm.messages == []


def test_a_planner_that_is_stopped_halts_the_arm_where_it_is(connected: Connected) -> None:
    arm = connected.arm
    with ThreadPoolExecutor() as pool:
        going = pool.submit(connected.client.follow, line(moved(joint1=2.4), 20.0))
        wait_until(lambda: abs(arm.joints[0] - START[0]) >= 0.1)
        connected.finished.set()
        with pytest.raises(ArmError, match='the planner was stopped'):
            going.result(PATIENCE)
    wait_until(lambda: len(arm.messages) == 2)
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
            connected.client.follow(line(moved(joint1=0.1), 1.0))


def test_waiting_takes_the_time_of_the_arm(connected: Connected) -> None:
    connected.arm.speed = 0.5
    # The client knows the time of the arm by messages, which may be late.
    connected.client.positions()
    before = connected.waiting.now()
    connected.client.wait(0.46)
    assert connected.waiting.now() - before >= 0.46e9


class Appearing:
    """A controller that appears when it has been looked for some times."""

    def __init__(self, name: str, checks: float) -> None:
        self.name, self.checks = name, checks

    def found(self) -> bool:
        self.checks -= 1
        return self.checks < 0


@pytest.mark.parametrize(('checks', 'chosen'), [(0, 'action'), (9, 'action'), (np.inf, 'topic')])
def test_an_action_is_preferred_and_waited_for(
    connected: Connected, checks: float, chosen: str
) -> None:
    controllers = [Appearing('action', checks), Appearing('topic', 2)]
    assert choose(cast(Any, controllers), connected.waiting).name == chosen


def test_no_controller_is_an_error(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory_controllers, '_STARTING', 0.2)
    controllers = [Appearing('action', np.inf), Appearing('topic', np.inf)]
    with pytest.raises(ArmError, match=r'nobody listens to action and topic: 0\.2 s have passed'):
        choose(cast(Any, controllers), connected.waiting)
    connected.finished.set()
    with pytest.raises(StoppedError, match='the planner was stopped'):
        choose(cast(Any, controllers), connected.waiting)
