# SPDX-License-Identifier: Apache-2.0
"""Trials in which the arm repeats a demonstration, and their outcomes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_ros.action import OperateElement
from afformer_ros.planner.contact import ArmContact
from afformer_ros.robot_trials.attempt import (
    HIDDEN,
    ArmAttempt,
    failed_action,
    judged_action,
    judged_operation,
)
from afformer_ros.robot_trials.demonstrated import Presence, demonstrated_trial
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial_plan import plan_trials

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


def run_trials(
    graph: RobotGraph,
    settings: ClosedLoopSettings,
    *,
    baselines: bool,
    absences: bool = False,
    attempts: int = 1,
    marks: bool = False,
) -> Iterator[RobotTrial]:
    """Run the first trial of each scene; yield each when it has ended.

    Args:
        graph: the graph; its robot has the same settings, but maybe another seed.
        settings: settings of the benchmark.
        baselines: whether the right pixel and a random element are tried as well.
        absences: see `demonstrated_trial`.
        attempts: maximum number of attempts of an operation.
        marks: whether the contact of a demonstration is marked if the planner is unsure.
    """
    for index in range(settings.scenes):
        shown, presence = demonstrated_trial(settings, index, absences=absences)
        element = shown.scene.fixture.elements[shown.task.element]
        action = shown.task.action
        with TrialScene(shown, settings) as scene:
            show(graph, scene)
            graph.begin(seed=settings.seed, scene=index)
            mark = scene.demonstrated_pixel() if marks else None
            model = repeat(graph, action, attempts, mark)
            graph.forget([NAME])
            right_pixel = random_element = None
            if baselines and presence is Presence.PRESENT:
                right_pixel = _act(graph, settings, index, scene.right_contact())
                random_element = _act(graph, settings, index, scene.random_contact())
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
        graph.demonstrate(Path(folder) / NAME, NAME)


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
        graph.mark(NAME, mark)
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
        said = str(graph.planner.operator.act(contact))
    except AfformerError as error:
        return failed_action(error)
    return judged_action(str(graph.judge()['verdict']), said, contact.action)
