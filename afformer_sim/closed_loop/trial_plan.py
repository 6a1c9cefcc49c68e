# SPDX-License-Identifier: Apache-2.0
"""Plan of the trials of a simulated arm: demonstrations, and views of the robot."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.states import States
from afformer_sim.closed_loop.mechanism import Task, initial_states
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.datasets.rgbd_scene import plan_rgbd_scene
from afformer_sim.scene.demonstration import SimulatedDemonstration, plan_demonstrations
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import SceneView

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
    views = plan_rgbd_scene(scene, settings.size, _LAP_SECONDS, count / _LAP_SECONDS).views
    order = make_rng(scene.seed, Stream.RGBD, _CHOICE).permutation(count).tolist()
    trials = []
    for demonstration in planned:
        for _ in range(settings.views):
            number = order.pop()
            trials.append(PlannedTrial(scene, index, demonstration, number, views[number]))
    return trials
