# SPDX-License-Identifier: Apache-2.0
"""Turns of goals, and the images that count for them, without middleware."""

from __future__ import annotations

import math
import re
import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance, AffordancePoint
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from afformer_core.errors import DemonstrationError
from afformer_ros.grounding.actions.goal_fields import RefusedGoalError
from afformer_ros.grounding.actions.ground_action import GroundAction
from afformer_ros.grounding.actions.ground_goal import GoalOutcome
from afformer_ros.grounding.grounding_worker import WorkerStoppedError
from afformer_ros.grounding.parameters import GroundingParameters
from test.afformer_ros.grounding.actions.stand_in_goal import StandInGoal

NANOSECONDS = 1_000_000_000


class Turns:
    """An active action, whose demonstrations are memorized when a test says so.

    Attributes:
        policy: the parameter goal_policy.
        seconds: time of the node.
        why_no_image: what the node knows of why no image comes.
    """

    def __init__(self) -> None:
        self.policy = 'queue'
        self.seconds = 500.0
        self.why_no_image = ''
        self.prepared: list[Future[tuple[str, ...]]] = []
        self.action = GroundAction(
            SimpleNamespace(attach=lambda handler: None, detach=lambda: None),  # type: ignore[arg-type]
            SimpleNamespace(
                get_clock=lambda: SimpleNamespace(now=self._now),
                get_logger=lambda: SimpleNamespace(info=lambda text: None),
            ),  # type: ignore[arg-type]
            lambda: GroundingParameters(goal_policy=self.policy),
            SimpleNamespace(submit=self._submit),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            lambda: self.why_no_image,
        )
        self.action.activate()

    def _now(self) -> SimpleNamespace:
        return SimpleNamespace(nanoseconds=round(self.seconds * NANOSECONDS))

    def _submit(self, command: Any) -> Future[tuple[str, ...]]:
        self.prepared.append(Future())
        return self.prepared[-1]

    def take(self, memorized: bool = True, **fields: Any) -> StandInGoal:
        goal = StandInGoal(GroundDemonstration.Goal(**fields))
        self.action.take(goal)  # type: ignore[arg-type]
        if memorized:
            self.prepared[-1].set_result(('press',))
        return goal

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.action.tick()

    def show(self, stamp: float, agreeing_images: int) -> None:
        """Ground an image for the goal whose turn it is, in which it is found."""
        header = Header(frame_id='camera')
        header.stamp.sec, header.stamp.nanosec = int(stamp), round(stamp % 1 * NANOSECONDS)
        messages = {
            'affordance': Affordance(
                header=header, found=True, agreeing_images=agreeing_images, presence=math.nan
            ),
            'mask': Image(header=header, height=3, width=5),
        }
        messages['affordance'].points = [AffordancePoint()]
        composed: Any = SimpleNamespace(
            frame=SimpleNamespace(stamp=round(stamp * NANOSECONDS)),
            result=SimpleNamespace(held=False),
            messages=SimpleNamespace(create=messages.__getitem__),
        )
        goal = self.action.current(time.monotonic())
        assert goal is not None
        self.action.grounded(goal, composed, None)

    def counts_for(self, received: float) -> Any:
        one = self.action.current(received)
        return None if one is None else one.goal


@pytest.fixture
def turns() -> Turns:
    return Turns()


def test_an_image_that_came_before_the_goal_does_not_count(turns):
    before = time.monotonic()
    goal = turns.take()
    assert turns.counts_for(before - 0.001) is None
    assert turns.counts_for(time.monotonic()) is goal


def test_no_image_counts_before_the_demonstration_is_memorized(turns):
    goal = turns.take(memorized=False)
    assert turns.counts_for(time.monotonic()) is None
    turns.prepared[0].set_result(('press',))
    assert turns.counts_for(time.monotonic()) is goal


def test_images_count_for_the_second_goal_from_its_turn_on(turns):
    first, second = turns.take(), turns.take()
    assert (first.begun, second.begun) == (True, False)
    waited = time.monotonic()
    first.cancel_at(turns.action)
    assert first.result.outcome == GoalOutcome.CANCELED
    assert second.begun
    assert turns.counts_for(waited - 0.001) is None
    assert turns.counts_for(time.monotonic()) is second


@pytest.mark.parametrize(
    ('error', 'outcome'),
    [
        (DemonstrationError('there is no press'), GoalOutcome.UNKNOWN),
        (WorkerStoppedError('the node stops'), GoalOutcome.STOPPED),
    ],
)
def test_a_goal_whose_demonstration_is_not_memorized_makes_way(turns, error, outcome):
    first, second = turns.take(memorized=False), turns.take()
    turns.prepared[0].set_exception(error)
    assert (first.result.outcome, first.result.message) == (outcome, str(error))
    assert turns.counts_for(time.monotonic()) is second


def test_replacing_ends_all_that_are_open(turns):
    goals = [turns.take(), turns.take()]
    turns.policy = 'replace'
    last = turns.take()
    assert [goal.result.outcome for goal in goals] == [GoalOutcome.REPLACED] * 2
    assert turns.counts_for(time.monotonic()) is last


def test_a_goal_is_refused_while_another_one_is_open(turns):
    turns.policy = 'refuse'
    goal = turns.take()
    with pytest.raises(RefusedGoalError, match='another goal is open, and goal_policy is refuse'):
        turns.take()
    goal.cancel_at(turns.action)
    later = turns.take()
    assert turns.counts_for(time.monotonic()) is later


def test_a_goal_that_is_refused_replaces_none(turns):
    goal = turns.take()
    turns.policy = 'replace'
    with pytest.raises(RefusedGoalError, match='agreeing_images is 1001; expected 1 to 1000'):
        turns.take(agreeing_images=1001)
    assert goal.result is None
    assert turns.counts_for(time.monotonic()) is goal


def test_what_is_deactivated_takes_no_goal(turns):
    turns.action.deactivate('the node was deactivated')
    goal = turns.take(memorized=False)
    assert goal.result.outcome == GoalOutcome.STOPPED
    assert turns.action.goals == []


def test_a_goal_that_waits_times_out_from_its_acceptance_on(turns):
    first = turns.take(timeout=Duration(sec=30))
    turns.pass_time(5.0)
    second = turns.take(timeout=Duration(sec=4))
    turns.pass_time(3.5)
    assert second.result is None
    turns.pass_time(0.75)
    assert second.result.outcome == GoalOutcome.NO_IMAGE
    assert second.result.message == 'no image was grounded within 4 s: others came first'
    assert not second.begun
    assert first.result is None


def test_the_time_before_its_turn_counts_for_a_goal(turns):
    first, second = turns.take(timeout=Duration(sec=3)), turns.take(timeout=Duration(sec=4))
    turns.pass_time(3.25)
    assert first.result.outcome == GoalOutcome.NO_IMAGE
    assert second.begun
    assert second.result is None
    turns.pass_time(1.0)
    assert second.result.outcome == GoalOutcome.NO_IMAGE


def test_goals_whose_time_is_up_at_once_have_each_their_reason(turns):
    turns.why_no_image = 'nobody publishes /camera'
    goals = [turns.take(timeout=Duration(sec=2)), turns.take(timeout=Duration(sec=2))]
    turns.pass_time(2.5)
    assert [goal.result.message for goal in goals] == [
        'no image was grounded within 2 s: nobody publishes /camera',
        'no image was grounded within 2 s: others came first',
    ]


@pytest.mark.parametrize(
    ('memorized', 'reason'),
    [
        (False, r'its demonstrations are being memorized'),
        (True, r'none arrived, or none was ready in time, in the 0\.\d s since its turn came'),
    ],
)
def test_a_reason_is_told_where_images_come(turns, memorized, reason):
    goal = turns.take(memorized, timeout=Duration(sec=6))
    turns.pass_time(6.5)
    assert re.fullmatch(rf'no image was grounded within 6 s: {reason}', goal.result.message)


def test_an_image_that_is_too_old_when_it_is_ready_does_not_count(turns):
    goal = turns.take(agreeing_images=2, maximum_age=Duration(nanosec=400_000_000))
    for number, age in enumerate((0.1, 0.5, 0.3, -0.2), 1):
        turns.seconds += 1.0
        turns.show(turns.seconds - age, agreeing_images=number)
        assert (goal.result is not None) == (number == 4)
    assert goal.result.outcome == GoalOutcome.FOUND
    assert (goal.result.images, goal.result.mask.width) == (4, 5)
    assert goal.result.mask.header == goal.result.affordance.header


def test_the_parameter_limits_the_age_for_a_goal_that_does_not(turns):
    goal = turns.take(agreeing_images=1)
    turns.show(turns.seconds - 5.25, agreeing_images=7)
    assert goal.result is None
    turns.show(turns.seconds - 4.75, agreeing_images=8)
    assert goal.result.outcome == GoalOutcome.FOUND
