# SPDX-License-Identifier: Apache-2.0
"""Verdicts of attempts by how they have ended, without a graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip('rclpy')

from afformer_core.errors import AfformerError
from afformer_ros.driver.node_processes import NodeError
from afformer_ros.planner.answers import (
    NoAnswerError,
    NoPositionError,
    NotFoundError,
    RefusedError,
    UnsteadyError,
)
from afformer_ros.planner.arm_client import ArmError
from afformer_ros.planner.contact import Contact, UnknownActionError, UnreachableError
from afformer_ros.planner.planner_node import Report
from afformer_ros.robot_trials.attempt import Attempt
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trials import repeat

PULL = Contact('pull', np.array([0.5, -0.2, 0.4]), np.array([-1.0, 0.0, 0.0]))


class Graph:
    """A graph whose planner reports or fails as it is told, and whose judge has one verdict."""

    def __init__(self, end: Report | AfformerError) -> None:
        self._end = end
        self.planner = SimpleNamespace(repeat=self._repeat)

    def _repeat(self, names: list[str]) -> Report:
        assert names == ['shown']
        if isinstance(self._end, AfformerError):
            raise self._end
        return self._end

    def judge(self) -> dict[str, str]:
        return {'verdict': 'another element'}


def attempt(end: Report | AfformerError) -> Attempt:
    return repeat(cast(RobotGraph, cast(Any, Graph(end))))


@pytest.mark.parametrize(
    ('error', 'verdict', 'answered'),
    [
        (NotFoundError('absent'), 'element not found', True),
        (UnsteadyError('here, there'), 'point not steady', True),
        (NoPositionError('no depth'), 'point without a position', True),
        (UnreachableError('too far'), 'out of reach', True),
        (UnknownActionError('press'), 'action without a skill', True),
        (NoAnswerError('30 s'), 'no answer', False),
        (RefusedError('inactive'), 'refused', False),
        (ArmError('no joint state'), 'arm failed', False),
    ],
)
def test_each_error_of_the_planner_has_a_verdict(
    error: AfformerError, verdict: str, answered: bool
) -> None:
    made = attempt(error)
    assert made == Attempt(verdict, str(error))
    assert made.answered is answered
    assert not made.done


def test_where_the_arm_has_acted_the_simulator_judges() -> None:
    made = attempt(Report(PULL, 'panda_link0', 'touched', 'the camera sees it'))
    assert (made.verdict, made.action, made.answered) == ('another element', 'pull', True)
    assert made.said.endswith('touched; the camera sees it')


def test_a_node_that_ended_ends_the_trials() -> None:
    with pytest.raises(NodeError, match='status 1'):
        attempt(NodeError('the grounding node ended with status 1'))
