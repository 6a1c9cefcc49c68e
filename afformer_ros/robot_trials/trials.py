# SPDX-License-Identifier: Apache-2.0
"""Trials in which the arm repeats a demonstration, and what came of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from afformer_core.sim.closed_loop.settings import ClosedLoopSettings
from afformer_core.sim.closed_loop.trial_plan import plan_trials
from afformer_ros.planner.contact import Contact, UnreachableError
from afformer_ros.planner.planner_node import NoAnswerError
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene

NAME = 'shown'
NOT_FOUND, UNREACHABLE = 'element not found', 'out of reach'


@dataclass(frozen=True)
class Attempt:
    """One attempt of the arm.

    Attributes:
        verdict: the simulator's, or `NOT_FOUND` or `UNREACHABLE`.
        said: what the planner said.
        action: action that was carried out; empty where there was none.
    """

    verdict: str
    said: str
    action: str = ''

    @property
    def done(self) -> bool:
        """Whether the right element was operated, and no other."""
        return self.verdict == 'done'


@dataclass(frozen=True)
class RobotTrial:
    """A demonstration, and the attempts to repeat it.

    Attributes:
        scene: number of the scene.
        family: family of the fixture.
        kind: kind of the element.
        action: action that was demonstrated.
        model: attempt where the grounding node points.
        right_pixel: attempt of the true action at a perfect peak; None where it was not made.
        random_element: attempt of the true action at a random element; None where it was not made.
    """

    scene: int
    family: str
    kind: str
    action: str
    model: Attempt
    right_pixel: Attempt | None
    random_element: Attempt | None


def run_trials(
    graph: RobotGraph, settings: ClosedLoopSettings, baselines: bool
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
            model = repeat(graph)
            graph.forget([NAME])
            right_pixel = random_element = None
            if baselines:
                right_pixel = _act(graph, index, scene.right_contact())
                random_element = _act(graph, index, scene.random_contact())
        element = trial.scene.fixture.elements[trial.task.element]
        yield RobotTrial(
            index,
            trial.scene.family,
            element.kind,
            trial.task.action,
            model,
            right_pixel,
            random_element,
        )


def show(graph: RobotGraph, scene: TrialScene) -> None:
    """Have the grounding node load a scene's demonstration by the name `NAME`."""
    with tempfile.TemporaryDirectory(dir=graph.folder) as folder:
        scene.write_demonstration(Path(folder) / NAME)
        graph.demonstrate(Path(folder) / NAME, NAME)


def repeat(graph: RobotGraph) -> Attempt:
    """Let the arm repeat the demonstration `NAME` in the trial that has begun."""

    def act() -> tuple[str, str]:
        report = graph.planner.repeat([NAME])
        return str(report), report.contact.action

    return _attempt(graph, act)


def _act(graph: RobotGraph, index: int, contact: Contact | None) -> Attempt:
    if contact is None:
        return Attempt(NOT_FOUND, 'it is hidden')
    graph.begin(scene=index)
    return _attempt(graph, lambda: (graph.planner.act(contact), contact.action))


def _attempt(graph: RobotGraph, act: Callable[[], tuple[str, str]]) -> Attempt:
    try:
        said, action = act()
    except NoAnswerError as error:
        return Attempt(NOT_FOUND, str(error))
    except UnreachableError as error:
        return Attempt(UNREACHABLE, str(error))
    return Attempt(str(graph.judge()['verdict']), said, action)
