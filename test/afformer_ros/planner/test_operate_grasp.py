# SPDX-License-Identifier: Apache-2.0
"""Grasps of the action operate_element: missed, held and lost ones, and changes beside them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from afformer_ros.action import OperateElement
from afformer_ros.msg import OperationAttempt

from .operate_bench import NORMAL, POINT, OperateBench, answer, drawn, operate_bench

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

Result, Feedback = OperateElement.Result, OperateElement.Feedback


def test_a_grasp_that_misses_is_turned_and_a_change_beside_it_is_no_success() -> None:
    view = lambda closings: drawn(17 * (closings > 1))  # noqa: E731
    with operate_bench(answer(), view, part=0.0) as bench:
        result = bench.operate()
    assert (result.outcome, result.attempts[1].seen) == (Result.DROPPED, OperationAttempt.DONE)
    assert [one.way for one in result.attempts] == ['', 'with the gripper turned by 90 degrees']
    assert [one.grasp for one in result.attempts] == [OperationAttempt.DROPPED] * 2
    assert bench.feedback[-1] == (Feedback.LOOKING_AGAIN, 2)


def test_a_change_of_a_part_that_the_arm_has_not_moved_is_no_success() -> None:
    made: list[OperateBench] = []

    def view(closings: int) -> Any:
        if made:
            # What is held does not give way.
            made[0].arm.deaf = made[0].arm.finger < 0.01
        return drawn(17 * closings)

    with operate_bench(answer(), view, speed=4.0) as bench:
        made.append(bench)
        result = bench.operate()
    assert result.attempts[0].felt_text == 'held, pulled 0 cm'
    assert (result.outcome, result.attempts[0].seen) == (Result.NOT_DONE, OperationAttempt.DONE)
    assert result.message.endswith('The arm has not moved the part')


def test_a_missed_grasp_ends_as_dropped_and_moves_no_part() -> None:
    with operate_bench(answer(), lambda _: drawn(), part=0.0, attempts=1) as bench:
        status, result = bench.end()
        targets = bench.arm.targets()
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.DROPPED)
    assert 'the gripper closed on nothing' in result.message
    # Before the point, near it, behind it, halted there, and back along the tool.
    ways = (np.array(targets[:-1]) - POINT) @ NORMAL
    assert ways == pytest.approx([0.1, 0.025, -0.015, 0.0, 0.1], abs=0.006)


def test_what_is_picked_up_is_held_until_it_is_released() -> None:
    with operate_bench(answer('pick up'), lambda closings: drawn(17 * closings)) as bench:
        status, result = bench.end()
        assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Result.HELD)
        assert result.attempts[0].grasp == OperationAttempt.HELD
        sent = len(bench.arm.messages)
        refused = bench.operate()
        assert refused.outcome == Result.REFUSED
        assert refused.message.startswith('the gripper holds a part. Call ~/release')
        assert (bench.arm.finger, len(bench.arm.messages)) == (0.006, sent)
        assert bench.release() == 'the gripper is open'
        assert bench.arm.finger == 0.04
        assert bench.operate().outcome == Result.HELD


def test_a_part_that_is_lost_on_the_way_back_is_dropped() -> None:
    made: list[OperateBench] = []

    def view(closings: int) -> Any:
        if made and len(made[0].arm.messages) > 7:
            made[0].arm.finger = 0.0
        return drawn(17 * closings)

    with operate_bench(answer('pick up'), view) as bench:
        made.append(bench)
        result = bench.operate(attempts=1)
    assert result.outcome == Result.DROPPED
    assert 'lost' in result.message
