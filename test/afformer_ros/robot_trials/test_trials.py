# SPDX-License-Identifier: Apache-2.0
"""Verdicts of attempts by how they have ended, without a graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip('rclpy')

from afformer_core.errors import AfformerError
from afformer_ros.driver.node_processes import NodeError
from afformer_ros.planner.answers import (
    GoalRefusedError,
    NoAnswerError,
    NoPositionError,
    NotFoundError,
    UnsteadyError,
)
from afformer_ros.planner.arm_client import ArmError
from afformer_ros.planner.contact import (
    ArmContact,
    BlockedError,
    UnknownActionError,
    UnreachableError,
)
from afformer_ros.planner.planner_node import RepetitionReport
from afformer_ros.robot_trials.attempt import ArmAttempt
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trials import repeat, run_trials
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial_plan import PlannedTrial, plan_trials

PULL = ArmContact('pull', np.array([0.5, -0.2, 0.4]), np.array([-1.0, 0.0, 0.0]))


class Graph:
    """A graph whose planner reports or fails as it is told, and whose judge has one verdict.

    Attributes:
        folder: see `RobotGraph`.
        calls: what was asked of it.
    """

    def __init__(self, end: RepetitionReport | AfformerError, folder: Path | None = None) -> None:
        self.folder = folder
        self.calls: list[object] = []
        self._end = end
        self.planner = SimpleNamespace(repeat=self._repeat, act=self._act)

    def demonstrate(self, frames: Path, name: str) -> None:
        assert frames.is_dir()
        self.calls.append(f'demonstrate {name}')

    def begin(self, **parameters: int) -> None:
        self.calls.append(parameters)

    def forget(self, names: list[str]) -> None:
        self.calls.append(f'forget {" ".join(names)}')

    def _act(self, contact: ArmContact) -> str:
        self.calls.append(contact.action)
        return f'felt {contact.action}'

    def _repeat(self, names: list[str], action: str) -> RepetitionReport:
        assert names == ['shown']
        self.calls.append(f'repeat: {action}')
        if isinstance(self._end, AfformerError):
            raise self._end
        return self._end

    def judge(self) -> dict[str, str]:
        return {'verdict': 'another element'}


class Scene:
    """The scene of a trial whose right contact is hidden in drawers."""

    def __init__(self, trial: PlannedTrial, _: ClosedLoopSettings) -> None:
        self._hidden = trial.scene.family == 'drawers'

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write_demonstration(self, folder: Path) -> None:
        folder.mkdir()

    def right_contact(self) -> ArmContact | None:
        return None if self._hidden else replace(PULL, action='push')

    def random_contact(self) -> ArmContact:
        return PULL


def attempt(end: RepetitionReport | AfformerError) -> ArmAttempt:
    return repeat(cast(RobotGraph, cast(Any, Graph(end))), 'pull')


@pytest.mark.parametrize(
    ('error', 'verdict', 'answered'),
    [
        (NotFoundError('absent'), 'element not found', True),
        (UnsteadyError('here, there'), 'point not steady', True),
        (NoPositionError('no depth'), 'point without a position', True),
        (UnreachableError('too far'), 'out of reach', True),
        (BlockedError('6 cm before'), 'stopped on the way', True),
        (UnknownActionError('press'), 'action without a skill', True),
        (NoAnswerError('30 s'), 'no answer', False),
        (GoalRefusedError('inactive'), 'refused', False),
        (ArmError('no joint state'), 'arm failed', False),
    ],
)
def test_each_error_of_the_planner_has_a_verdict(
    error: AfformerError, verdict: str, answered: bool
) -> None:
    made = attempt(error)
    assert made == ArmAttempt(verdict, str(error))
    assert made.answered is answered
    assert not made.done


def test_where_the_arm_has_acted_the_simulator_judges() -> None:
    made = attempt(RepetitionReport(PULL, 'panda_link0', 'touched', 'the camera sees it'))
    assert (made.verdict, made.action, made.answered) == ('another element', 'pull', True)
    assert made.said.endswith('touched; the camera sees it')


def test_a_node_that_ended_ends_the_trials() -> None:
    with pytest.raises(NodeError, match='status 1'):
        attempt(NodeError('the grounding node ended with status 1'))


def test_each_trial_is_shown_begun_repeated_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('afformer_ros.robot_trials.trials.TrialScene', Scene)
    graph = Graph(NoAnswerError('30 s'), tmp_path)
    settings = ClosedLoopSettings(scenes=2, families=('keypad', 'drawers'), size=(64, 48))
    first, second = run_trials(cast(RobotGraph, cast(Any, graph)), settings, baselines=True)
    silent = ArmAttempt('no answer', '30 s')
    pushed = ArmAttempt('another element', 'felt push', 'push')
    pulled = ArmAttempt('another element', 'felt pull', 'pull')
    hidden = ArmAttempt('element hidden', 'the camera does not see the element')
    assert (first.scene, first.family, first.kind) == (0, 'keypad', 'button')
    assert (first.model, first.right_pixel, first.random_element) == (silent, pushed, pulled)
    assert (second.scene, second.family, second.kind) == (1, 'drawers', 'drawer')
    assert (second.model, second.right_pixel, second.random_element) == (silent, hidden, pulled)
    shown = [plan_trials(settings, scene)[0].task.action for scene in (0, 1)]
    model = ['demonstrate shown', {'scene': 0}, f'repeat: {shown[0]}', 'forget shown']
    assert graph.calls[:8] == [*model, {'scene': 0}, 'push', {'scene': 0}, 'pull']
    model[1:3] = [{'scene': 1}, f'repeat: {shown[1]}']
    assert graph.calls[8:] == [*model, {'scene': 1}, 'pull']
    assert list(tmp_path.iterdir()) == []


def test_without_baselines_nothing_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('afformer_ros.robot_trials.trials.TrialScene', Scene)
    graph = Graph(NoAnswerError('30 s'), tmp_path)
    settings = ClosedLoopSettings(scenes=1, families=('keypad',), size=(64, 48))
    (trial,) = run_trials(cast(RobotGraph, cast(Any, graph)), settings, baselines=False)
    assert (trial.right_pixel, trial.random_element) == (None, None)
    assert 'push' not in graph.calls
