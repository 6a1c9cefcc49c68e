# SPDX-License-Identifier: Apache-2.0
"""The arm client over the actions of control_msgs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest
from action_msgs.srv import CancelGoal

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)
if find_spec('control_msgs') is None:
    pytest.skip('control_msgs is not installed', allow_module_level=True)

from control_msgs import action as control_actions
from rclpy.task import Future

from afformer_core.manipulation.arm import ArmReading
from afformer_ros.planner.joint_states import ArmError, StoppedError
from afformer_ros.planner.trajectory_controllers import ControllerError
from afformer_sim.arm.franka import ARM_JOINTS

from .connected_arm import START, Connected, line, moved
from .stand_in_arm import FINGER
from .stand_in_controllers import StandInControllers

FOLLOW = '/arm_controller/follow_joint_trajectory'
FAR = line(moved(joint1=2.4), 8.0)


class Driven(Connected):
    arm: StandInControllers


@pytest.fixture
def driven() -> Iterator[Driven]:
    arm = StandInControllers(start=START)
    made = Driven(arm)
    with arm:
        yield made


def test_a_goal_is_the_whole_motion(driven: Driven) -> None:
    motion = line(moved(joint4=0.9, joint2=-0.3), 1.3)
    assert driven.client.follow(motion)
    (goal,) = driven.arm.goals
    trajectory = goal.trajectory
    assert trajectory.joint_names == list(ARM_JOINTS)
    assert (trajectory.header.stamp.sec, trajectory.header.stamp.nanosec) == (0, 0)
    starts = [(one.time_from_start.sec, one.time_from_start.nanosec) for one in trajectory.points]
    assert starts == [(0, 200_000_000), (0, 590_000_000), (1, 500_000_000)]
    for name in ('positions', 'velocities', 'accelerations'):
        sent = [getattr(point, name).tolist() for point in trajectory.points]
        assert sent == getattr(motion, name).tolist()
    assert driven.arm.joints == pytest.approx(moved(joint4=0.9, joint2=-0.3), abs=0.005)


def test_an_executor_may_ask_a_client_that_is_being_made(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = driven.node.add_waitable
    monkeypatch.setattr(
        driven.node, 'add_waitable', lambda client: (client.get_num_entities(), add(client))
    )
    assert driven.client.follow(line(moved(joint1=0.1), 0.5))


def test_an_answer_that_arrives_before_its_request_is_noted_counts(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('rclpy.action.client.Future', lambda: time.sleep(0.2) or Future())
    assert driven.client.follow(line(moved(joint1=0.1), 0.5))


def test_a_rejected_goal_is_an_error(driven: Driven) -> None:
    driven.arm.refusing = True
    with pytest.raises(ControllerError, match=f'{FOLLOW} rejected the goal; expected an active'):
        driven.client.follow(FAR)
    assert driven.arm.joints == pytest.approx(START)
    with pytest.raises(ControllerError, match='/gripper_controller/gripper_cmd rejected the goal'):
        driven.client.grip(0.01, 5.0)


@pytest.mark.parametrize(
    ('end', 'code', 'sentence'),
    [
        ('abort', -1, 'INVALID_GOAL, "joint2 lags"'),
        ('abort', -2, 'INVALID_JOINTS, "joint2 lags"'),
        ('abort', -3, 'OLD_HEADER_TIMESTAMP, "joint2 lags"'),
        ('abort', -4, 'PATH_TOLERANCE_VIOLATED, "joint2 lags"'),
        ('succeed', -5, 'GOAL_TOLERANCE_VIOLATED, "joint2 lags"'),
        ('abort', 0, 'error 0, "joint2 lags"'),
    ],
)
def test_a_motion_that_its_controller_ends_is_an_error(
    driven: Driven, end: str, code: int, sentence: str
) -> None:
    arm = driven.arm
    arm.end = end, {'error_code': code, 'error_string': 'joint2 lags'}
    arm.patience = 0.8
    with pytest.raises(ControllerError, match=re.escape(f'ended the motion: {sentence}; expect')):
        driven.client.follow(FAR)
    assert len(arm.goals) == 1
    assert arm.messages == [arm.goals[0].trajectory]
    # It holds after 0.8 s: 0.2 s to the begin, and 0.6 of the 8 s to 2.4 rad.
    assert arm.joints[0] - START[0] == pytest.approx(0.18, abs=0.05)
    # The next motion does not begin where the ended one would have led.
    arm.end, here = None, arm.joints
    assert driven.client.follow(line(moved(joint1=-0.1), 0.5, start=here))
    first = arm.goals[1].trajectory.points[0]
    assert first.positions == pytest.approx(here)
    assert first.time_from_start.nanosec == 200_000_000


def test_a_motion_that_another_node_cancels_is_an_error(driven: Driven) -> None:
    client = driven.arm.node.create_client(CancelGoal, f'{FOLLOW}/_action/cancel_goal')

    def guard(_: ArmReading) -> bool:
        if client.service_is_ready() and driven.arm.joints[0] > START[0] + 0.1:
            client.call_async(CancelGoal.Request())
        return False

    with pytest.raises(ControllerError, match=f'goal of {FOLLOW} was canceled; expected no other'):
        driven.client.follow(FAR, guard)


@pytest.mark.parametrize('cancelable', [True, False])
def test_a_guard_halts_the_arm_soon(driven: Driven, cancelable: bool) -> None:
    arm = driven.arm
    arm.speed, arm.cancelable = 0.5, cancelable
    ticks: list[int] = []

    def guard(reading: ArmReading) -> bool:
        ticks.append(len(arm.history))
        return bool(reading.positions[0] > START[0] + 0.1)

    assert not driven.client.follow(FAR, guard)
    if cancelable:
        # Within 0.2 s of its clock, 0.04 s each.
        assert np.ptp(arm.history[ticks[-1] + 5 :], axis=0) == pytest.approx(0)
        assert arm.joints[0] - START[0] < 0.1 + 8 * 0.04 * 0.3
        assert len(arm.goals) == 1
    else:
        # A goal that holds what was measured replaces it.
        _, hold = arm.goals
        assert hold.trajectory.points[0].positions == pytest.approx(arm.joints)
        assert arm.joints[0] == pytest.approx(START[0] + 0.1, abs=0.02)


def test_a_planner_that_is_stopped_cancels_the_goal(driven: Driven) -> None:
    def guard(reading: ArmReading) -> bool:
        if reading.positions[0] > START[0] + 0.2:
            driven.waiting.interrupt('the goal was canceled')
        return False

    with pytest.raises(StoppedError, match='the goal was canceled'):
        driven.client.follow(FAR, guard)
    assert driven.client.settle() is not None
    assert driven.arm.joints[0] - START[0] < 2.0
    assert len(driven.arm.goals) == 1


def test_a_blocked_arm_settles_although_its_goal_stays_open(driven: Driven) -> None:
    arm = driven.arm
    driven.block()
    arm.end, arm.patience = ('abort', {}), 1e6
    before = arm.now
    assert driven.client.follow(line(moved(joint1=0.6), 0.5))
    assert 1.5e9 < arm.now - before < 6e9
    # The next goal takes its place.
    arm.end = None
    assert driven.client.follow(line(moved(joint1=-0.1), 0.5))


def test_a_motion_that_is_slowed_down_is_followed_to_its_end(driven: Driven) -> None:
    # As by the speed slider of a robot: thrice its time.
    arm = driven.arm
    follow = arm.follow

    def slowly(message: object) -> None:
        follow(message)
        arm.tracks[-1].times[1:] = arm.now * 1e-9 + 3 * (arm.tracks[-1].times[1:] - arm.now * 1e-9)

    arm.follow = slowly  # type: ignore[method-assign]
    assert driven.client.follow(line(moved(joint1=1.2), 2.0))
    assert arm.joints[0] == pytest.approx(START[0] + 1.2, abs=0.005)


def test_a_server_that_does_not_answer_is_an_error(driven: Driven) -> None:
    driven.client.follow(line(moved(joint1=0.1), 0.5))
    driven.arm.answering = Future()
    with pytest.raises(ArmError, match=rf'{FOLLOW} does not answer: 1 s have passed; expected it'):
        driven.client.follow(line(moved(joint1=0.2), 0.3, start=driven.arm.joints))
    driven.arm.refusing = True
    driven.arm.answering.set_result(None)


def test_a_gripper_that_stalls_on_an_object_rests_there(driven: Driven) -> None:
    driven.arm.object_width = 0.013
    assert driven.client.grip(0.002, 17.5) == pytest.approx(0.013)
    (goal,) = driven.arm.goals
    assert (goal.command.position, goal.command.max_effort) == (0.002, 17.5)


@pytest.mark.skipif(
    not hasattr(control_actions, 'ParallelGripperCommand'),
    reason='this control_msgs has no ParallelGripperCommand',
)
def test_a_parallel_gripper_gets_its_own_command() -> None:
    arm = StandInControllers(control_actions.ParallelGripperCommand, start=START)
    driven = Driven(arm)
    with arm:
        assert driven.client.grip(0.031, 12.5) == pytest.approx(0.031)
        assert driven.client.grip(0.002, 0.0) == pytest.approx(0.002)
    first, second = (goal.command for goal in arm.goals)
    assert (first.name, first.position.tolist(), first.effort.tolist()) == (
        [FINGER],
        [0.031],
        [12.5],
    )
    assert second.effort.tolist() == []
