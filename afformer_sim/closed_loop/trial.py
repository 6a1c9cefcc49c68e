# SPDX-License-Identifier: Apache-2.0
"""Trials of a simulated arm: their settings and plan, and the outcome of an attempt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from afformer_sim.bodies.fixture import States
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.dynamics import DONE, TIMESTEP, Mechanism, Task, initial_states
from afformer_sim.datasets.rgbd_bag import plan_rgbd_views
from afformer_sim.families import FAMILIES
from afformer_sim.scene.demonstration import SimulatedDemonstration, plan_demonstrations
from afformer_sim.scene.scene import Scene, SceneSettings
from afformer_sim.scene.view import SceneView


@dataclass(frozen=True, kw_only=True)
class ClosedLoopSettings(SceneSettings):
    """Scenes, demonstrations, views and noise of the trials of a robot.

    Attributes:
        families: families of the fixtures, taken in turn.
        demonstrations: number for each fixture, of different elements as far as possible.
        views: number of views of the robot's camera for each demonstration.
        size: (width, height) of the robot's images.
        longest_side: longest side of a demonstration's frames, in pixels.
        noise: noise of depth, as a share of it.
        holes: share of the pixels without depth; 0 if the noise is 0.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    scenes: int = 100
    families: tuple[str, ...] = FAMILIES
    held_out: bool = True
    seed: int = 8
    demonstrations: int = 2
    views: int = 2
    size: tuple[int, int] = (640, 480)
    longest_side: int = 256
    noise: float = 0.005
    holes: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.size) < 32:
            raise ValueError(f'size is {self.size}; expected at least 32 x 32 pixels')
        self.depth_camera(self.noise)

    def scene(self, index: int) -> Scene:
        """Return the scene `index`, from 0."""
        family = self.families[index % len(self.families)]
        return Scene(scene_seed(self.seed, index), family, self.held_out)

    def depth_camera(self, noise: float) -> DepthCamera:
        """Return the depth camera that has this noise.

        Raises:
            ValueError: the noise or the share of holes is out of range.
        """
        return DepthCamera(noise, self.holes if noise else 0.0)


# Keys of the scene's random stream for RGB-D; the bags use the smaller keys.
_CHOICE = 10
_LAP_SECONDS = 12.0


@dataclass(frozen=True)
class PlannedTrial:
    """One trial, before anything is rendered.

    Attributes:
        scene: scene of the demonstration and of the robot.
        index: number of the scene.
        demonstration: the demonstration.
        number: number of the view among those of the scene.
        view: view of the robot's camera.
    """

    scene: Scene
    index: int
    demonstration: SimulatedDemonstration
    number: int
    view: SceneView

    @property
    def task(self) -> Task:
        """Task of the robot."""
        return Task(self.demonstration.element, self.demonstration.action)

    @property
    def states(self) -> States:
        """Initial displacements of the elements."""
        return initial_states(self.scene.fixture, self.task)


def plan_trials(settings: ClosedLoopSettings, index: int) -> list[PlannedTrial]:
    """Plan the trials of the scene `index`: those of the first demonstration come first."""
    scene = settings.scene(index)
    planned = plan_demonstrations(scene, settings.demonstrations, settings.longest_side)
    count = settings.demonstrations * settings.views
    # Those of an RGB-D bag: at 0.5 to 1 m, evenly around the fixture, with every element in view.
    views = plan_rgbd_views(scene, settings.size, _LAP_SECONDS, count / _LAP_SECONDS)
    order = make_rng(scene.seed, Stream.RGBD, _CHOICE).permutation(count).tolist()
    trials = []
    for demonstration in planned:
        for _ in range(settings.views):
            number = order.pop()
            trials.append(PlannedTrial(scene, index, demonstration, number, views[number]))
    return trials


class AttemptVerdict(str, Enum):
    """Possible outcomes of an attempt."""

    DONE = 'done'
    NOT_DONE = 'right element, not done'
    WRONG_ELEMENT = 'another element'
    FIXED_PART = 'a fixed part'
    NOTHING = 'nothing touched'


@dataclass(frozen=True)
class AttemptOutcome:
    """Outcome of an attempt.

    Attributes:
        verdict: judgement by the final state of the simulator.
        first_contact: index of the element that was touched first; None if there was none.
        disturbed: wrong elements that were operated.
    """

    verdict: AttemptVerdict
    first_contact: int | None = None
    disturbed: tuple[int, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the right element has been operated, and no other."""
        return self.verdict is AttemptVerdict.DONE


@dataclass
class Watch:
    """Record of N elements while a robot works; each array is float64 [N].

    Attributes:
        contact: seconds in contact with the tip; for fixed elements, of the operated part.
        pressed: seconds beyond half of the way to the goal.
        farthest: largest share of the way to the goal so far, negative for the other direction.
        last: current share of the way to the goal.
    """

    contact: np.ndarray
    pressed: np.ndarray
    farthest: np.ndarray
    last: np.ndarray

    def add(self, in_contact: Iterable[int], progress: np.ndarray) -> None:
        """Add the result of one simulation step.

        Args:
            in_contact: elements in contact with the tip; of fixed elements, the operated part.
            progress: share of the way to the goal that each element has gone, [N].
        """
        for i in in_contact:
            self.contact[i] += TIMESTEP
        self.last = progress
        self.farthest = np.where(
            np.abs(self.last) > np.abs(self.farthest), self.last, self.farthest
        )
        self.pressed += TIMESTEP * (self.last >= DONE)


def judge(
    task: Task, every: tuple[Mechanism, ...], contacts: list[int], watch: Watch
) -> AttemptOutcome:
    """Judge an attempt by the motion of the elements.

    Args:
        task: the task.
        every: mechanism of each element.
        contacts: elements that were touched first, in order of decreasing penetration; -1 for a
            fixed part, empty if nothing was touched.
        watch: record of the elements.
    """
    target = task.element
    first = next((i for i in contacts if i >= 0), None)
    disturbed = tuple(
        i
        for i, operated in enumerate(every)
        if i != target and operated.disturbed(watch.farthest[i], watch.contact[i])
    )
    mechanism = every[target]
    seconds = watch.contact if mechanism.joint is None else watch.pressed
    done = mechanism.operated(
        float(watch.last[target]), float(watch.farthest[target]), float(seconds[target])
    )
    # touching another element after the right one is harmless
    if done and not disturbed:
        verdict = AttemptVerdict.DONE
    elif not contacts:
        verdict = AttemptVerdict.NOTHING
    elif disturbed or first not in (None, target):
        verdict = AttemptVerdict.WRONG_ELEMENT
    else:
        verdict = AttemptVerdict.FIXED_PART if first is None else AttemptVerdict.NOT_DONE
    return AttemptOutcome(verdict, first, disturbed)
