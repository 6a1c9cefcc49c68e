# SPDX-License-Identifier: Apache-2.0
"""Closed-loop trials: demonstrations grounded by a model and acted upon in simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import Grounder
from afformer_core.runtime.prediction import Prediction
from afformer_core.sim.bodies.element import ACTIONS
from afformer_core.sim.bodies.pose import STILL
from afformer_core.sim.bodies.seeds import Stream, make_rng
from afformer_core.sim.closed_loop.mechanism import Task, initial_states
from afformer_core.sim.closed_loop.robot_observation import (
    Published,
    RobotObservation,
    plan_observations,
    publish,
    publish_pixel,
    see,
    viewpoint_degrees,
)
from afformer_core.sim.closed_loop.settings import ClosedLoopSettings
from afformer_core.sim.closed_loop.trial import Bench, Outcome, Verdict
from afformer_core.sim.scene.demonstration import Demonstration, plan_demonstrations, render_clip
from afformer_core.sim.scene.outline import front_centre
from afformer_core.sim.scene.renderer import Renderer
from afformer_core.sim.scene.scene import Scene
from afformer_core.sim.scene.view import View

# Keys of the scene's random stream for RGB-D; the bags take the smaller ones.
_CHOICE, _SENSOR, _DEPTH = 10, 11, 12


@dataclass(frozen=True)
class Attempt:
    """Outcomes of acting at one published point.

    Attributes:
        read: outcome of the action that the model read from the demonstration.
        told: outcome of the true action.
        shown: outcome of the true action at the right pixel, see `RobotObservation.right_pixel`.
        error: metres from the point to the middle of the right element's front; None where no
            point was published.
    """

    read: Outcome
    told: Outcome
    shown: Outcome
    error: float | None


@dataclass(frozen=True)
class Trial:
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
    attempts: dict[float, Attempt]


def closed_loop_trials(grounder: Grounder, settings: ClosedLoopSettings) -> Iterator[Trial]:
    """Carry out a benchmark with an open model; yields each of its trials.

    Raises:
        ModelFolderError: the model knows other actions than the simulator.
    """
    names = grounder.configuration.action_names
    if set(names) != set(ACTIONS):
        raise ModelFolderError(
            f'the model knows the actions {", ".join(names)}; the simulated finger needs '
            f'{", ".join(ACTIONS)}. Take a model that was trained on those'
        )
    for index in range(settings.scenes):
        yield from _scene_trials(grounder, settings, index)


def _scene_trials(grounder: Grounder, settings: ClosedLoopSettings, index: int) -> Iterator[Trial]:
    scene = settings.scene(index)
    planned = plan_demonstrations(
        scene, settings.demonstrations, settings.longest_side, performances=settings.performances
    )
    names = tuple(f'performance {k}' for k in range(settings.performances))
    count = settings.demonstrations * settings.views
    views = plan_observations(scene, settings.size, count)
    order = make_rng(scene.seed, Stream.RGBD, _CHOICE).permutation(count).tolist()
    width, height = settings.size
    buffer = (max(width, settings.longest_side), max(height, settings.longest_side))
    with Renderer(scene, buffer) as renderer:
        for first in range(0, len(planned), settings.performances):
            performances = planned[first : first + settings.performances]
            for name, performance in zip(names, performances, strict=True):
                clip = render_clip(renderer, scene, performance, settings.frames)
                grounder.set_demonstration(clip, name)
            for _ in range(settings.views):
                number = order.pop()
                operation = _Operation(scene, index, performances[0], names, number, views[number])
                yield operation.trial(grounder, renderer, settings)


@dataclass(frozen=True)
class _Operation:
    """Demonstration, and the view in which a robot is to repeat it."""

    scene: Scene
    index: int
    demonstration: Demonstration
    names: tuple[str, ...]
    number: int
    view: View

    @property
    def task(self) -> Task:
        return Task(self.demonstration.element, self.demonstration.action)

    def trial(self, grounder: Grounder, renderer: Renderer, settings: ClosedLoopSettings) -> Trial:
        fixture, task = self.scene.fixture, self.task
        element = fixture.elements[task.element]
        states = initial_states(fixture, task)
        displacement = states.get(task.element, STILL)
        middle = front_centre(element, displacement)
        rng = make_rng(self.scene.seed, Stream.RGBD, _SENSOR, self.number)
        observation = see(renderer, self.view, states, rng)
        prediction = grounder.predict(observation.image, *self.names)
        bench = Bench(fixture, task)
        demonstrated = self.demonstration.camera(0.5)
        return Trial(
            scene=self.index,
            family=self.scene.family,
            kind=element.kind,
            action=task.action,
            read=next(iter(prediction.action_scores)),
            element=task.element,
            elements=len(fixture.elements),
            viewpoint=viewpoint_degrees(demonstrated, self.view.camera, middle),
            attempts={
                noise: self._attempt(bench, prediction, observation, settings, noise, middle)
                for noise in settings.levels
            },
        )

    def _attempt(
        self,
        bench: Bench,
        prediction: Prediction,
        observation: RobotObservation,
        settings: ClosedLoopSettings,
        noise: float,
        middle: np.ndarray,
    ) -> Attempt:
        # the same holes and the same noise, but for its strength, at all levels
        rng = make_rng(self.scene.seed, Stream.RGBD, _DEPTH, self.number)
        sensed = settings.depth_camera(noise).measure(observation.depth, rng)
        published = publish(prediction, observation, sensed, settings.stream)
        pixel = observation.right_pixel(self.scene.fixture, self.task.element)
        shown = publish_pixel(pixel, observation, sensed, settings.stream)
        robot = self.view.camera.position
        read = next(iter(prediction.action_scores))
        told = _act(bench, published, self.task.action, robot)
        return Attempt(
            read=told if read == self.task.action else _act(bench, published, read, robot),
            told=told,
            shown=_act(bench, shown, self.task.action, robot),
            error=None
            if published.point is None
            else float(np.linalg.norm(published.point - middle)),
        )


def _act(bench: Bench, published: Published, action: str, robot: np.ndarray) -> Outcome:
    if not published.found:
        return Outcome(Verdict.NOT_FOUND)
    if published.point is None or published.normal is None:
        return Outcome(Verdict.NO_POINT)
    return bench.attempt(published.point, published.normal, action, robot)
