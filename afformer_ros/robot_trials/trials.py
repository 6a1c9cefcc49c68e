# SPDX-License-Identifier: Apache-2.0
"""Trials in which the arm repeats a demonstration, and how they ended."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError
from afformer_core.manipulation.contact import ArmContact, BlockedError, UnreachableError
from afformer_ros.action import OperateElement
from afformer_ros.driver.grounding_driver import NodeError
from afformer_ros.msg import OperationAttempt
from afformer_ros.planner.joint_states import ArmError
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_sim.closed_loop.trial import (
    AttemptVerdict,
    ClosedLoopSettings,
    PlannedTrial,
    plan_trials,
)

_Result = OperateElement.Result

# How the trials end, if the arm has not acted; the element may be out of the view of the camera.
NOT_FOUND, UNREACHABLE, BLOCKED = 'not found', 'out of reach', 'stopped on the way'
HIDDEN = 'element hidden'
# The arm has acted, and the simulator judges.
DONE, NOT_DONE, WRONG_ELEMENT = 'done', 'not done', 'wrong element'
# Another part of the graph failed, which is not informative about the model or the skill.
NO_ANSWER, REFUSED, ARM_FAILED = 'no answer', 'refused', 'arm failed'
UNANSWERED = (NO_ANSWER, REFUSED, ARM_FAILED)

_WITHOUT_ACTING = {
    _Result.NOT_FOUND: NOT_FOUND,
    _Result.UNSURE: 'unsure',
    _Result.UNREACHABLE: UNREACHABLE,
    _Result.BLOCKED: BLOCKED,
    _Result.NO_ANSWER: NO_ANSWER,
    _Result.REFUSED: REFUSED,
    _Result.ARM_FAILED: ARM_FAILED,
    _Result.STOPPED: ARM_FAILED,
    _Result.CANCELED: ARM_FAILED,
    _Result.TIMED_OUT: ARM_FAILED,
}
_JUDGED = {
    AttemptVerdict.DONE: DONE,
    AttemptVerdict.NOT_DONE: NOT_DONE,
    AttemptVerdict.WRONG_ELEMENT: WRONG_ELEMENT,
    AttemptVerdict.FIXED_PART: 'missed',
    AttemptVerdict.NOTHING: 'missed',
}
# Reasons for which no answer is an end of the whole operation, even after an attempt.
_FAILURES = (
    _Result.NO_ANSWER,
    _Result.ARM_FAILED,
    _Result.STOPPED,
    _Result.CANCELED,
    _Result.TIMED_OUT,
)


@dataclass(frozen=True)
class ArmAttempt:
    """An operation of the arm, of one or more attempts.

    Attributes:
        verdict: one of the constants of this module.
        said: message of the planner.
        action: action that was carried out; empty if there was none.
        attempts: number of times that the arm acted.
        seen: whether the camera saw the action done; None if it could not.
        told: a sentence for each time that the arm acted.
        marked: whether the planner was unsure at first, and the contact was marked for it.
        succeeded: whether the goal of the planner has succeeded.
    """

    verdict: str
    said: str
    action: str = ''
    attempts: int = 0
    seen: bool | None = None
    told: tuple[str, ...] = ()
    marked: bool = False
    succeeded: bool = False

    @property
    def done(self) -> bool:
        """Whether the right element was operated, and no other."""
        return self.verdict == DONE

    @property
    def acted(self) -> bool:
        """Whether the arm has acted."""
        return self.attempts > 0

    @property
    def answered(self) -> bool:
        """Whether it is informative about the model and the skill, so that it counts."""
        return self.verdict not in UNANSWERED

    @property
    def told_right(self) -> bool | None:
        """Whether the camera saw what the simulator says; None if it could not see the result."""
        return None if self.seen is None else self.seen == self.done


def judged_operation(result: OperateElement.Result, verdict: str, action: str) -> ArmAttempt:
    """Judge an operation.

    Args:
        result: result of the planner.
        verdict: verdict of the simulator, a value of `AttemptVerdict`.
        action: action that was demonstrated.
    """
    attempts = result.attempts
    if not attempts:
        return ArmAttempt(_WITHOUT_ACTING[result.outcome], result.message)
    last = attempts[-1]
    seen = {
        OperationAttempt.DONE: True,
        OperationAttempt.NOT_DONE: False,
        OperationAttempt.OTHER_CHANGED: False,
    }.get(last.seen)
    end = _JUDGED[AttemptVerdict(verdict)]
    if end != DONE and result.outcome in _FAILURES:
        end = _WITHOUT_ACTING[result.outcome]
    elif end == NOT_DONE and last.action != action:
        end = 'wrong action'
    told = tuple(
        ': '.join(filter(None, (attempt.way, f'{attempt.felt_text}; {attempt.seen_text}')))
        for attempt in attempts
    )
    succeeded = result.outcome in (_Result.DONE, _Result.HELD)
    return ArmAttempt(
        end, result.message, last.action, len(attempts), seen, told, succeeded=succeeded
    )


def failed_action(error: AfformerError) -> ArmAttempt:
    """Return the attempt at a given point that ended with an error of the planner.

    Raises:
        AfformerError: the error itself, if it ends the trials.
    """
    verdicts = {BlockedError: BLOCKED, UnreachableError: UNREACHABLE, ArmError: ARM_FAILED}
    for kind, verdict in verdicts.items():
        if isinstance(error, kind):
            return ArmAttempt(verdict, str(error))
    raise error


# One of so many trials shows a demonstration of something that is not there.
PERIOD = 5
# Number of the first scene that no trial uses.
_ELSEWHERE = 10_000


class Presence(Enum):
    """Whether the demonstrated element is in front of the robot."""

    PRESENT = 'present'
    LOOK_ALIKE = 'look-alike'
    ABSENT = 'absent'


def demonstrated_trial(
    settings: ClosedLoopSettings, index: int, *, absences: bool
) -> tuple[PlannedTrial, Presence]:
    """Return the trial whose demonstration is shown in the trial of a scene.

    Args:
        settings: settings of the benchmark.
        index: number of the scene.
        absences: whether every fifth trial shows something that is not there: in turn, an element
            of another scene of the same family, which looks alike, and of another family.
    """
    if not absences or index % PERIOD != PERIOD - 1:
        return plan_trials(settings, index)[0], Presence.PRESENT
    families = len(settings.families)
    alike = index // PERIOD % 2 == 0 or families == 1
    # The families take turns by the number of the scene.
    other = (_ELSEWHERE // families) * families + index + (0 if alike else 1)
    presence = Presence.LOOK_ALIKE if alike else Presence.ABSENT
    return plan_trials(settings, other)[0], presence


NAME = 'shown'


@dataclass(frozen=True, kw_only=True)
class RobotTrial:
    """A demonstration, and the attempts to repeat it.

    Attributes:
        seed, scene: seed of the scenes, and number of the scene.
        family: family of the fixture.
        kind: kind of the demonstrated element.
        action: action that was demonstrated.
        presence: whether that element is in front of the robot, a value of `Presence`.
        alike: number of other elements of its kind beside it.
        model: operation at the points of the grounding node.
        right_pixel: attempt of the true action at a perfect peak; None if it was not made.
        random_element: attempt of the true action at a random element; None if it was not made.
    """

    seed: int
    scene: int
    family: str
    kind: str
    action: str
    presence: str = Presence.PRESENT.value
    alike: int = 0
    model: ArmAttempt
    right_pixel: ArmAttempt | None
    random_element: ArmAttempt | None

    @property
    def present(self) -> bool:
        """Whether the demonstrated element is in front of the robot."""
        return self.presence == Presence.PRESENT.value


def trial_of(fields: Mapping[str, Any]) -> RobotTrial:
    """Return the trial whose fields were written to JSON."""
    attempts = {
        name: fields[name] and ArmAttempt(**{**fields[name], 'told': tuple(fields[name]['told'])})
        for name in ('model', 'right_pixel', 'random_element')
    }
    return RobotTrial(**{**fields, **attempts})


def run_trials(
    graph: RobotGraph,
    settings: ClosedLoopSettings,
    *,
    baselines: bool,
    absences: bool = False,
    attempts: int = 1,
    marks: bool = False,
    made: Collection[int] = (),
) -> Iterator[RobotTrial]:
    """Run the first trial of each scene; yield each when it has ended.

    A trial in which a node gives no answer ends with `NO_ANSWER`.

    Args:
        graph: the graph; its robot has the same settings, but maybe another seed.
        settings: settings of the benchmark.
        baselines: whether the right pixel and a random element are tried as well.
        absences: see `demonstrated_trial`.
        attempts: maximum number of attempts of an operation.
        marks: whether the contact of a demonstration is marked if the planner is unsure.
        made: scenes that are left out.

    Raises:
        NodeError: a node has ended.
    """
    for index in range(settings.scenes):
        if index in made:
            continue
        shown, presence = demonstrated_trial(settings, index, absences=absences)
        element = shown.scene.fixture.elements[shown.task.element]
        action = shown.task.action
        model: ArmAttempt | None = None
        right_pixel = random_element = None
        try:
            with closing(TrialScene(shown, settings)) as scene:
                show(graph, scene)
                graph.begin(seed=settings.seed, scene=index)
                mark = scene.demonstrated_pixel() if marks else None
                model = repeat(graph, action, attempts, mark)
                graph.succeed('delete_demonstration', name=NAME)
                if baselines and presence is Presence.PRESENT:
                    right_pixel = _act(graph, settings, index, scene.right_contact())
                    random_element = _act(graph, settings, index, scene.random_contact())
        except NodeError as error:
            graph.processes.check()
            model = model or ArmAttempt(NO_ANSWER, str(error))
        beside = plan_trials(settings, index)[0].scene.fixture.elements
        kinds = [other.kind for other in beside]
        yield RobotTrial(
            seed=settings.seed,
            scene=index,
            family=shown.scene.family,
            kind=element.kind,
            action=action,
            presence=presence.value,
            alike=kinds.count(element.kind) - (presence is Presence.PRESENT),
            model=model,
            right_pixel=right_pixel,
            random_element=random_element,
        )


def show(graph: RobotGraph, scene: TrialScene) -> None:
    """Load a scene's demonstration into the grounding node by the name `NAME`."""
    with tempfile.TemporaryDirectory(dir=graph.folder) as folder:
        scene.write_demonstration(Path(folder) / NAME)
        graph.succeed('load_demonstration', path=str(Path(folder) / NAME), name=NAME)


def repeat(
    graph: RobotGraph,
    action: str,
    attempts: int,
    mark: tuple[float, float] | None = None,
    report: Callable[[OperateElement.Feedback], None] | None = None,
) -> ArmAttempt:
    """Let the arm repeat the demonstration `NAME`, of an action, in the trial that has begun.

    Args:
        graph: the graph.
        action: the action.
        attempts: maximum number of attempts.
        mark: pixel (x, y) of the contact in the first frame, which is marked if the planner is
            unsure; None: the planner is left unsure.
        report: see `RobotGraph.operate`.
    """
    result = graph.operate([NAME], action, attempts, report)
    marked = mark is not None and result.outcome == OperateElement.Result.UNSURE
    if marked and mark is not None:
        graph.succeed('mark_contact', name=NAME, x=mark[0], y=mark[1])
        result = graph.operate([NAME], action, attempts, report)
    attempt = judged_operation(result, str(graph.judge()['verdict']), action)
    return replace(attempt, marked=marked)


def _act(
    graph: RobotGraph, settings: ClosedLoopSettings, index: int, contact: ArmContact | None
) -> ArmAttempt:
    if contact is None:
        return ArmAttempt(HIDDEN, 'the camera does not see the element')
    graph.begin(seed=settings.seed, scene=index)
    try:
        said = str(graph.planner.operator.arm.act(contact))
    except AfformerError as error:
        return failed_action(error)
    verdict = AttemptVerdict(graph.judge()['verdict'])
    return ArmAttempt(_JUDGED[verdict], said, contact.action, 1)
