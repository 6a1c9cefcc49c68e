# SPDX-License-Identifier: Apache-2.0
"""Turns of goals, and the images that count for them, without middleware."""

from __future__ import annotations

import time
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from afformer_ros.action import GroundDemonstration

from afformer_core.errors import DemonstrationError
from afformer_ros.grounding.actions.ground_action import GroundAction
from afformer_ros.grounding.actions.ground_goal import Outcome
from afformer_ros.grounding.grounding_worker import WorkerStoppedError
from afformer_ros.grounding.parameters import GroundingParameters


class Goal:
    """The client's side of a goal."""

    def __init__(self) -> None:
        self.request = GroundDemonstration.Goal()
        self.begun = False
        self.result: Any = None

    def begin(self) -> None:
        self.begun = True

    def end(self, ending: Any, result: Any) -> None:
        self.result = result


class Turns:
    """An active action, whose demonstrations are memorized when a test says so."""

    def __init__(self) -> None:
        self.policy = 'queue'
        self.prepared: list[Future[tuple[str, ...]]] = []
        self.action = GroundAction(
            SimpleNamespace(attach=lambda handler: None, detach=lambda: None),  # type: ignore[arg-type]
            SimpleNamespace(
                get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=1)),
                get_logger=lambda: SimpleNamespace(info=lambda text: None),
            ),  # type: ignore[arg-type]
            lambda: GroundingParameters(goal_policy=self.policy),
            SimpleNamespace(submit=self._submit),  # type: ignore[arg-type]
            None,  # type: ignore[arg-type]
            lambda: 'no publisher',
        )
        self.action.activate()

    def _submit(self, command: Any) -> Future[tuple[str, ...]]:
        self.prepared.append(Future())
        return self.prepared[-1]

    def take(self, memorized: bool = True) -> Goal:
        goal = Goal()
        self.action.take(goal)  # type: ignore[arg-type]
        if memorized:
            self.prepared[-1].set_result(('press',))
        return goal

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
    assert not turns.action.can_ground
    turns.prepared[0].set_result(('press',))
    assert turns.counts_for(time.monotonic()) is goal
    assert turns.action.can_ground


def test_images_count_for_the_second_goal_from_its_turn_on(turns):
    first, second = turns.take(), turns.take()
    assert (first.begun, second.begun) == (True, False)
    waited = time.monotonic()
    turns.action.cancel(first)
    assert first.result.outcome == Outcome.CANCELED
    assert second.begun
    assert turns.counts_for(waited - 0.001) is None
    assert turns.counts_for(time.monotonic()) is second


@pytest.mark.parametrize(
    ('error', 'outcome'),
    [
        (DemonstrationError('there is no press'), Outcome.UNKNOWN),
        (WorkerStoppedError('the node stops'), Outcome.STOPPED),
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
    assert [goal.result.outcome for goal in goals] == [Outcome.REPLACED] * 2
    assert turns.counts_for(time.monotonic()) is last


def test_a_goal_is_refused_while_another_one_is_open(turns):
    turns.policy = 'refuse'
    assert turns.action.refusal(GroundDemonstration.Goal()) == ''
    goal = turns.take()
    assert 'goal_policy is refuse' in turns.action.refusal(GroundDemonstration.Goal())
    turns.action.cancel(goal)
    assert turns.action.refusal(GroundDemonstration.Goal()) == ''


def test_what_is_deactivated_takes_no_goal(turns):
    turns.action.deactivate('the node was deactivated')
    goal = turns.take(memorized=False)
    assert goal.result.outcome == Outcome.STOPPED
    assert turns.action.open_goals == 0
