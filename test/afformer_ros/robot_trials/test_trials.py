# SPDX-License-Identifier: Apache-2.0
"""Verdicts of attempts by how they have ended, without a graph, and a trial by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip('rclpy')

from afformer_ros.action import OperateElement
from afformer_ros.msg import OperationAttempt

from afformer_core.errors import AfformerError
from afformer_core.manipulation.contact import ArmContact, BlockedError, UnreachableError
from afformer_ros.driver.grounding_driver import NodeError
from afformer_ros.planner.joint_states import ArmError
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trials import (
    ArmAttempt,
    RobotTrial,
    demonstrated_trial,
    failed_action,
    repeat,
    run_trials,
    trial_of,
)
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials

PULL = ArmContact('pull', np.array([0.5, -0.2, 0.4]), np.array([-1.0, 0.0, 0.0]))


Result = OperateElement.Result
NOT_DONE = OperationAttempt.NOT_DONE


def test_the_planner_does_not_choose_how_scenes_are_rendered() -> None:
    given = {name: value for name, value in os.environ.items() if name != 'MUJOCO_GL'}
    code = (
        'import afformer_ros.robot_trials.robot_graph, mujoco; print(mujoco.GLContext.__module__)'
    )
    words = [sys.executable, '-c', code]
    told = subprocess.run(words, env=given, capture_output=True, text=True, check=True).stdout
    assert told == 'mujoco.egl\n'


def operated(
    outcome: int, *seen: int, action: str = 'pull', message: str = 'said'
) -> OperateElement.Result:
    """A result of the planner, with an attempt for each of what the camera saw."""
    attempts = [OperationAttempt(action=action, seen=one) for one in seen]
    return Result(outcome=outcome, message=message, attempts=attempts)


class Graph:
    """A graph whose planner ends as it is told, also after a mark; its judge has one verdict.

    Attributes:
        folder: see `RobotGraph`.
        calls: what was asked of it.
    """

    def __init__(
        self,
        end: OperateElement.Result | AfformerError,
        folder: Path | None = None,
        verdict: str = 'another element',
        marked: OperateElement.Result | None = None,
    ) -> None:
        self.folder = folder
        self._marked = marked
        self.calls: list[object] = []
        self._end = end
        self._verdict = verdict
        self.planner = SimpleNamespace(
            operator=SimpleNamespace(arm=SimpleNamespace(act=self._act))
        )
        self.ended = ''
        self.processes = SimpleNamespace(check=self._check)

    def succeed(self, service: str, **fields: Any) -> None:
        assert 'path' not in fields or Path(fields.pop('path')).is_dir()
        self.calls.append((service, *fields.values()))
        if service == 'mark_contact':
            self._end = self._marked or self._end

    def _check(self) -> None:
        if self.ended:
            raise NodeError(self.ended)

    def begin(self, **parameters: int) -> None:
        self.calls.append(parameters)

    def _act(self, contact: ArmContact) -> str:
        self.calls.append(contact.action)
        if isinstance(self._end, AfformerError):
            raise self._end
        return f'felt {contact.action}'

    def operate(
        self,
        names: list[str],
        action: str,
        attempts: int,
        report: Callable[[OperateElement.Feedback], None] | None = None,
    ) -> OperateElement.Result:
        assert names == ['shown']
        self.calls.append(f'repeat: {action}, {attempts} times')
        if report is not None:
            report(OperateElement.Feedback(attempt=2))
        if isinstance(self._end, AfformerError):
            raise self._end
        return self._end

    def judge(self) -> dict[str, str]:
        return {'verdict': self._verdict}


class Scene:
    """The scene of a trial whose right contact is hidden in drawers."""

    def __init__(self, trial: PlannedTrial, _: ClosedLoopSettings) -> None:
        self._hidden = trial.scene.family == 'drawers'

    def close(self) -> None:
        pass

    def write_demonstration(self, folder: Path) -> None:
        folder.mkdir()

    def demonstrated_pixel(self) -> tuple[float, float]:
        return 31.0, 17.5

    def right_contact(self) -> ArmContact | None:
        return None if self._hidden else replace(PULL, action='push')

    def random_contact(self) -> ArmContact:
        return PULL


def attempt(end: OperateElement.Result, verdict: str = 'nothing touched') -> ArmAttempt:
    return repeat(cast(RobotGraph, cast(Any, Graph(end, verdict=verdict))), 'pull', 3)


@pytest.mark.parametrize(
    ('end', 'judged', 'verdict'),
    [
        # Without an attempt, the planner says why.
        (operated(Result.NOT_FOUND), 'nothing touched', 'not found'),
        (operated(Result.UNSURE), 'nothing touched', 'unsure'),
        (operated(Result.UNREACHABLE), 'nothing touched', 'out of reach'),
        (operated(Result.BLOCKED), 'nothing touched', 'stopped on the way'),
        (operated(Result.NO_ANSWER), 'nothing touched', 'no answer'),
        (operated(Result.REFUSED), 'nothing touched', 'refused'),
        (operated(Result.ARM_FAILED), 'nothing touched', 'arm failed'),
        (operated(Result.STOPPED), 'nothing touched', 'arm failed'),
        # After one, the simulator judges.
        (operated(Result.NOT_DONE, NOT_DONE), 'done', 'done'),
        (operated(Result.NOT_DONE, NOT_DONE), 'another element', 'wrong element'),
        (operated(Result.NOT_DONE, NOT_DONE), 'a fixed part', 'missed'),
        (operated(Result.NOT_DONE, NOT_DONE), 'nothing touched', 'missed'),
        (operated(Result.NOT_DONE, NOT_DONE), 'right element, not done', 'not done'),
        (
            operated(Result.NOT_DONE, NOT_DONE, action='push'),
            'right element, not done',
            'wrong action',
        ),
        (operated(Result.NOT_DONE, NOT_DONE, action='push'), 'done', 'done'),
        # A node that falls silent between attempts counts only if it was done.
        (operated(Result.NO_ANSWER, NOT_DONE), 'another element', 'no answer'),
        (operated(Result.NO_ANSWER, NOT_DONE), 'done', 'done'),
    ],
)
def test_the_end_of_an_operation_has_a_name(
    end: OperateElement.Result, judged: str, verdict: str
) -> None:
    made = attempt(end, judged)
    assert (made.verdict, made.said, made.done) == (verdict, 'said', verdict == 'done')
    assert made.answered is (verdict not in ('no answer', 'refused', 'arm failed'))
    expected = [(one.action, 1) for one in end.attempts] or [('', 0)]
    assert [(made.action, made.attempts)] == expected
    assert made.acted is bool(end.attempts)


def test_each_attempt_is_told() -> None:
    result = operated(Result.DONE, OperationAttempt.NOT_DONE, OperationAttempt.DONE)
    first, second = result.attempts
    first.felt_text, first.seen_text = 'nothing stopped the tip', 'not done: nothing changed'
    second.way, second.felt_text, second.seen_text = (
        'along the line of sight',
        'touched',
        'done: 31%',
    )
    assert attempt(result, 'done').told == (
        'nothing stopped the tip; not done: nothing changed',
        'along the line of sight: touched; done: 31%',
    )


@pytest.mark.parametrize(
    ('seen', 'judged', 'right'),
    [
        (OperationAttempt.DONE, 'done', True),
        (OperationAttempt.DONE, 'another element', False),
        (OperationAttempt.NOT_DONE, 'nothing touched', True),
        (OperationAttempt.NOT_DONE, 'done', False),
        (OperationAttempt.OTHER_CHANGED, 'another element', True),
        (OperationAttempt.NOT_VISIBLE, 'done', None),
    ],
)
def test_the_last_attempt_says_whether_the_camera_was_right(
    seen: int, judged: str, right: bool | None
) -> None:
    made = attempt(operated(Result.DONE, OperationAttempt.NOT_DONE, seen), judged)
    assert (made.attempts, made.told_right) == (2, right)


def test_a_planner_that_is_unsure_is_asked_again_with_the_mark() -> None:
    done = operated(Result.DONE, OperationAttempt.DONE)
    graph = Graph(operated(Result.UNSURE), verdict='done', marked=done)
    told: list[int] = []
    made = repeat(
        cast(RobotGraph, cast(Any, graph)),
        'pull',
        2,
        (31.0, 17.5),
        lambda feedback: told.append(feedback.attempt),
    )
    again = 'repeat: pull, 2 times'
    assert graph.calls == [again, ('mark_contact', 'shown', 31.0, 17.5), again]
    assert (made.verdict, made.attempts, made.marked) == ('done', 1, True)
    # The planner reports its steps in both operations.
    assert told == [2, 2]


@pytest.mark.parametrize(
    ('outcome', 'mark'), [(Result.UNSURE, None), (Result.NOT_FOUND, (31.0, 17.5))]
)
def test_without_a_question_or_a_mark_it_is_asked_once(
    outcome: int, mark: tuple[float, float] | None
) -> None:
    graph = Graph(operated(outcome))
    made = repeat(cast(RobotGraph, cast(Any, graph)), 'pull', 2, mark)
    assert (graph.calls, made.marked) == (['repeat: pull, 2 times'], False)


def run(graph: Graph, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[RobotTrial]:
    """Trials of a keypad, or of more families, without baselines."""
    monkeypatch.setattr('afformer_ros.robot_trials.trials.TrialScene', Scene)
    families = options.pop('families', ('keypad',))
    settings = ClosedLoopSettings(scenes=len(families), families=families, size=(64, 48))
    options = {'baselines': False, **options}
    return list(run_trials(cast(RobotGraph, cast(Any, graph)), settings, **options))


@pytest.mark.parametrize('marks', [True, False])
def test_the_contact_of_a_trial_is_marked_at_its_pixel_if_marks_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, marks: bool
) -> None:
    graph = Graph(operated(Result.UNSURE), tmp_path)
    (trial,) = run(graph, monkeypatch, marks=marks)
    assert (('mark_contact', 'shown', 31.0, 17.5) in graph.calls) is marks
    assert trial.model.marked is marks
    assert (trial.right_pixel, trial.random_element) == (None, None)
    assert 'push' not in graph.calls


@pytest.mark.parametrize(
    ('error', 'verdict'),
    [
        (UnreachableError('too far'), 'out of reach'),
        (BlockedError('6 cm before'), 'stopped on the way'),
        (ArmError('no joint state'), 'arm failed'),
    ],
)
def test_each_error_at_a_given_point_has_a_verdict(error: AfformerError, verdict: str) -> None:
    assert failed_action(error) == ArmAttempt(verdict, str(error))


def test_a_node_that_ended_ends_the_trials() -> None:
    graph = Graph(NodeError('the grounding node ended with status 1'))
    with pytest.raises(NodeError, match='status 1'):
        repeat(cast(RobotGraph, cast(Any, graph)), 'pull', 3)


def test_each_trial_is_shown_begun_repeated_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Graph(operated(Result.NO_ANSWER, message='30 s'), tmp_path)
    families = ('keypad', 'drawers')
    first, second = run(graph, monkeypatch, families=families, baselines=True, attempts=4)
    silent = ArmAttempt('no answer', '30 s')
    pushed = ArmAttempt('wrong element', 'felt push', 'push', 1)
    pulled = ArmAttempt('wrong element', 'felt pull', 'pull', 1)
    hidden = ArmAttempt('element hidden', 'the camera does not see the element')
    assert (first.scene, first.family, first.kind) == (0, 'keypad', 'button')
    assert first.alike == 6
    assert (first.model, first.right_pixel, first.random_element) == (silent, pushed, pulled)
    assert (second.scene, second.family, second.kind) == (1, 'drawers', 'drawer')
    assert (second.model, second.right_pixel, second.random_element) == (silent, hidden, pulled)
    settings = ClosedLoopSettings(families=families, size=(64, 48))
    shown = [plan_trials(settings, scene)[0].task.action for scene in (0, 1)]
    begin = {'seed': 8, 'scene': 0}
    model = [
        ('load_demonstration', 'shown'),
        begin,
        f'repeat: {shown[0]}, 4 times',
        ('delete_demonstration', 'shown'),
    ]
    assert graph.calls[:8] == [*model, begin, 'push', begin, 'pull']
    begin = {'seed': 8, 'scene': 1}
    model[1:3] = [begin, f'repeat: {shown[1]}, 4 times']
    assert graph.calls[8:] == [*model, begin, 'pull']
    assert list(tmp_path.iterdir()) == []


def test_a_late_answer_is_a_row_and_only_an_ended_node_ends_the_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = 'timed out after 600 s waiting for the acceptance of a goal'
    graph = Graph(NodeError(late), tmp_path)
    trials = run(graph, monkeypatch, families=('keypad', 'drawers'), baselines=True)
    assert [trial.model for trial in trials] == [ArmAttempt('no answer', late)] * 2
    assert trials[1].right_pixel is None
    (left,) = run(graph, monkeypatch, families=('keypad', 'drawers'), baselines=True, made={0})
    assert left == trials[1] == trial_of(json.loads(json.dumps(asdict(left))))
    graph.ended = 'the grounding node ended with status 1'
    with pytest.raises(NodeError, match='status 1'):
        run(graph, monkeypatch, families=('keypad', 'drawers'), baselines=False)


def test_every_fifth_demonstration_is_of_something_that_is_not_there() -> None:
    settings = ClosedLoopSettings(families=('keypad', 'drawers', 'jars'), size=(64, 48))
    found = [demonstrated_trial(settings, index, absences=True) for index in range(10)]
    assert [presence.value for _, presence in found] == [
        *['present'] * 4,
        'look-alike',
        *['present'] * 4,
        'absent',
    ]
    families = [trial.scene.family for trial, _ in found]
    # Scenes 4 and 9 are of drawers and of a keypad.
    assert (families[4], families[9]) == ('drawers', 'drawers')
    assert found[4][0].index != 4
    assert [trial.index for trial, _ in found[:4]] == [0, 1, 2, 3]
    present = demonstrated_trial(settings, 4, absences=False)
    assert (present[0].index, present[1].value) == (4, 'present')


# Only its files are read: other tests stand in for it.
needs_meshes = pytest.mark.skipif(
    find_spec('gymnasium_robotics') is None, reason='gymnasium-robotics is not installed'
)


@pytest.mark.slow
@needs_meshes
@pytest.mark.timeout(620)
def test_a_drawer_is_pulled_as_it_was_shown(tmp_path: Path) -> None:
    command = [sys.executable, '-m', 'afformer_ros.robot_trials', '--scenes', '3']
    options = ['--families', 'keypad', 'boxes', 'drawers', '--json', str(tmp_path / 'trials.json')]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / 'trials.json').read_text())
    assert content['measures']['all']['trials'] == 3
    assert content['provenance']['seed'] == [8]
    pulled = content['trials'][2]
    assert (pulled['family'], pulled['right_pixel']['verdict']) == ('drawers', 'done')


@needs_meshes
def test_no_scenes_are_an_error() -> None:
    command = [sys.executable, '-m', 'afformer_ros.robot_trials', '--scenes', '0']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert 'scenes is 0; expected at least 1' in done.stderr
