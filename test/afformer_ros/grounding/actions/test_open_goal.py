# SPDX-License-Identifier: Apache-2.0
"""A goal between its acceptance and its result, and the texts of what ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from afformer_core.errors import ImageError
from afformer_ros.grounding.actions.open_goal import Ending, GoalAnswer, OpenGoal, failure_text
from afformer_ros.grounding.grounding_worker import WorkerStoppedError


class Told:
    """A goal whose executor and client count what they are told."""

    def __init__(self) -> None:
        self.begun = self.woken = 0
        self.feedback: list[str] = []
        handle: Any = SimpleNamespace(
            request='press', execute=None, publish_feedback=self.feedback.append
        )
        executor: Any = self
        self.goal = OpenGoal(handle, executor)

    def create_task(self, execute: Any) -> None:
        self.begun += 1

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_first_answer_counts(told):
    assert told.goal.end(Ending.ABORTED, 'timed out')
    assert not told.goal.end(Ending.SUCCEEDED, 'found')
    assert told.goal.answer.result() == GoalAnswer(Ending.ABORTED, 'timed out')


def test_a_goal_begins_once(told):
    told.goal.begin()
    told.goal.begin()
    told.goal.end(Ending.SUCCEEDED, 'found')
    assert told.begun == 1


def test_a_goal_that_ends_before_its_turn_begins(told):
    told.goal.end(Ending.CANCELED, 'its client canceled it')
    assert (told.begun, told.woken) == (1, 1)


def test_no_feedback_comes_after_the_answer(told):
    told.goal.publish_feedback('1 image')
    told.goal.end(Ending.SUCCEEDED, 'found')
    told.goal.publish_feedback('2 images')
    assert told.feedback == ['1 image']


@pytest.mark.parametrize(
    ('error', 'text'),
    [
        (ImageError('the image is empty'), 'the image is empty'),
        (WorkerStoppedError('the node stops'), 'the node stops'),
        (KeyError('frames'), "KeyError: 'frames'"),
        (ImageError(), 'ImageError'),
        (MemoryError(), 'MemoryError'),
        (ValueError(' \n'), 'ValueError'),
    ],
    ids=repr,
)
def test_no_failure_is_without_a_text(error, text):
    assert failure_text(error) == text
