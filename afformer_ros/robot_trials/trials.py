# SPDX-License-Identifier: Apache-2.0
"""Trials in which the arm repeats a demonstration, and their outcomes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_ros.planner.contact import ArmContact
from afformer_ros.robot_trials.attempt import HIDDEN, ArmAttempt, failed_attempt
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial_plan import plan_trials

NAME = 'shown'


@dataclass(frozen=True, kw_only=True)
class RobotTrial:
    """A demonstration, and the attempts to repeat it.

    Attributes:
        scene: number of the scene.
        family: family of the fixture.
        kind: kind of the element.
        action: action that was demonstrated.
        model: attempt at the point of the grounding node.
        right_pixel: attempt of the true action at a perfect peak; None if it was not made.
        random_element: attempt of the true action at a random element; None if it was not made.
    """

    scene: int
    family: str
    kind: str
    action: str
    model: ArmAttempt
    right_pixel: ArmAttempt | None
    random_element: ArmAttempt | None


def run_trials(
    graph: RobotGraph, settings: ClosedLoopSettings, *, baselines: bool
) -> Iterator[RobotTrial]:
    """Run the first trial of each scene; yield each when it has ended.

    Args:
        graph: the graph; its robot has the same settings.
        settings: settings of the benchmark.
        baselines: whether the right pixel and a random element are tried as well.
    """
    for index in range(settings.scenes):
        trial = plan_trials(settings, index)[0]
        with TrialScene(trial, settings) as scene:
            show(graph, scene)
            graph.begin(scene=index)
            model = repeat(graph, trial.task.action)
            graph.forget([NAME])
            right_pixel = random_element = None
            if baselines:
                right_pixel = _act(graph, index, scene.right_contact())
                random_element = _act(graph, index, scene.random_contact())
        element = trial.scene.fixture.elements[trial.task.element]
        yield RobotTrial(
            scene=index,
            family=trial.scene.family,
            kind=element.kind,
            action=trial.task.action,
            model=model,
            right_pixel=right_pixel,
            random_element=random_element,
        )


def show(graph: RobotGraph, scene: TrialScene) -> None:
    """Load a scene's demonstration into the grounding node by the name `NAME`."""
    with tempfile.TemporaryDirectory(dir=graph.folder) as folder:
        scene.write_demonstration(Path(folder) / NAME)
        graph.demonstrate(Path(folder) / NAME, NAME)


def repeat(graph: RobotGraph, action: str) -> ArmAttempt:
    """Let the arm repeat the demonstration `NAME`, of an action, in the trial that has begun."""
    try:
        report = graph.planner.repeat([NAME], action)
    except AfformerError as error:
        return failed_attempt(error)
    return ArmAttempt(str(graph.judge()['verdict']), str(report), report.contact.action)


def _act(graph: RobotGraph, index: int, contact: ArmContact | None) -> ArmAttempt:
    if contact is None:
        return ArmAttempt(HIDDEN, 'the camera does not see the element')
    graph.begin(scene=index)
    try:
        said = graph.planner.act(contact)
    except AfformerError as error:
        return failed_attempt(error)
    return ArmAttempt(str(graph.judge()['verdict']), said, contact.action)
