# SPDX-License-Identifier: Apache-2.0
"""Closed-loop trials: demonstrations grounded by a model and acted upon in simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.demonstrations.rotation_estimate import MOST_FRAMES
from afformer_core.errors import ModelFolderError
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.prediction import Prediction
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.bodies.pose import STILL
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.closed_loop.robot_observation import (
    Published,
    RobotObservation,
    publish,
    publish_pixel,
    see,
    viewpoint_degrees,
)
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial import AttemptOutcome, AttemptVerdict, Bench
from afformer_sim.closed_loop.trial_plan import PlannedTrial, plan_trials
from afformer_sim.scene.demonstration import SimulatedDemonstration, render_clip
from afformer_sim.scene.outline import front_centre
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene

# Keys of the scene's random stream for RGB-D, beside that of the plan.
_SENSOR, _DEPTH = 11, 12


@dataclass(frozen=True)
class PointOutcomes:
    """Outcomes of acting at one published point.

    Attributes:
        read: outcome of the action that the model read from the demonstration.
        told: outcome of the true action.
        shown: outcome of the true action at the right pixel, see `RobotObservation.right_pixel`.
        error: metres from the point to the middle of the right element's front; None if no point
            was published.
    """

    read: AttemptOutcome
    told: AttemptOutcome
    shown: AttemptOutcome
    error: float | None


@dataclass(frozen=True, kw_only=True)
class ClosedLoopTrial:
    """One demonstration, grounded in one view and acted upon.

    Attributes:
        scene: number of the scene.
        family: family of the fixture.
        kind: kind of the element.
        action: action that was demonstrated.
        read: action that the model read.
        element: index of the right element.
        elements: number of elements of the fixture.
        viewpoint: degrees between the (first) demonstration's and the robot's camera, seen from
            the element.
        attempts: attempts by the noise of depth.
    """

    scene: int
    family: str
    kind: str
    action: str
    read: str
    element: int
    elements: int
    viewpoint: float
    attempts: dict[float, PointOutcomes]


def closed_loop_trials(
    grounder: ArrayGrounder, settings: ClosedLoopSettings
) -> Iterator[ClosedLoopTrial]:
    """Carry out a benchmark with an open model; yields each of its trials.

    Raises:
        ModelFolderError: the model's actions differ from the simulator's.
    """
    names = grounder.configuration.action_names
    if set(names) != set(ACTIONS):
        raise ModelFolderError(
            f'the model has the actions {", ".join(names)}; the simulated finger needs '
            f'{", ".join(ACTIONS)}. Use a model that was trained on those'
        )
    for index in range(settings.scenes):
        yield from _scene_trials(grounder, settings, index)


def _scene_trials(
    grounder: ArrayGrounder, settings: ClosedLoopSettings, index: int
) -> Iterator[ClosedLoopTrial]:
    trials = plan_trials(settings, index)
    scene = trials[0].scene
    names = tuple(f'performance {k}' for k in range(settings.performances))
    width, height = settings.size
    buffer = (max(width, settings.longest_side), max(height, settings.longest_side))
    with Renderer(scene, buffer) as renderer:
        for first in range(0, len(trials), settings.views):
            for name, performance in zip(names, trials[first].performances, strict=True):
                _memorize(grounder, renderer, scene, performance, settings.frames, name)
            for planned in trials[first : first + settings.views]:
                yield _trial(planned, names, grounder, renderer, settings)


def _memorize(
    grounder: ArrayGrounder,
    renderer: Renderer,
    scene: Scene,
    performance: SimulatedDemonstration,
    frames: int,
    name: str,
) -> None:
    clip = tuple(render_clip(renderer, scene, performance, frames))
    dense: tuple[np.ndarray, ...] = ()
    # the sense is measured only for rotations
    if performance.action == 'rotate':
        dense = tuple(render_clip(renderer, scene, performance, MOST_FRAMES))
    memorize_whole(MediaFrames(clip, len(clip), 0.0, dense), name, grounder)


def _trial(
    planned: PlannedTrial,
    names: Sequence[str],
    grounder: ArrayGrounder,
    renderer: Renderer,
    settings: ClosedLoopSettings,
) -> ClosedLoopTrial:
    """Carry out a trial, whose performances have names in the grounder."""
    scene, view, task, states = planned.scene, planned.view, planned.task, planned.states
    element = scene.fixture.elements[task.element]
    middle = front_centre(element, states.get(task.element, STILL))
    rng = make_rng(scene.seed, Stream.RGBD, _SENSOR, planned.number)
    observation = see(renderer, view, states, rng)
    prediction = grounder.predict(observation.image, *names)
    bench = Bench(scene.fixture, task)
    return ClosedLoopTrial(
        scene=planned.index,
        family=scene.family,
        kind=element.kind,
        action=task.action,
        read=next(iter(prediction.action_scores)),
        element=task.element,
        elements=len(scene.fixture.elements),
        viewpoint=viewpoint_degrees(planned.performances[0].camera(0.5), view.camera, middle),
        attempts={
            noise: _attempt(planned, bench, prediction, observation, settings, noise, middle)
            for noise in settings.levels
        },
    )


def _attempt(
    planned: PlannedTrial,
    bench: Bench,
    prediction: Prediction,
    observation: RobotObservation,
    settings: ClosedLoopSettings,
    noise: float,
    middle: np.ndarray,
) -> PointOutcomes:
    # all levels have the same holes and, except for its strength, the same noise
    rng = make_rng(planned.scene.seed, Stream.RGBD, _DEPTH, planned.number)
    sensed = settings.depth_camera(noise).measure(observation.depth, rng)
    published = publish(prediction, observation, sensed, settings.stream)
    pixel = observation.right_pixel(planned.scene.fixture, planned.task.element)
    shown = publish_pixel(pixel, observation, sensed, settings.stream)
    robot, point = planned.view.camera.position, published.point
    read, action = next(iter(prediction.action_scores)), planned.task.action
    told = _act(bench, published, action, robot)
    return PointOutcomes(
        read=told if read == action else _act(bench, published, read, robot),
        told=told,
        shown=_act(bench, shown, action, robot),
        error=None if point is None else float(np.linalg.norm(point - middle)),
    )


def _act(bench: Bench, published: Published, action: str, robot: np.ndarray) -> AttemptOutcome:
    if not published.found:
        return AttemptOutcome(AttemptVerdict.NOT_FOUND)
    if published.point is None or published.normal is None:
        return AttemptOutcome(AttemptVerdict.NO_POINT)
    return bench.attempt(published.point, published.normal, action, robot)
