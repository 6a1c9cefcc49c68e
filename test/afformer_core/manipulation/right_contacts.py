# SPDX-License-Identifier: Apache-2.0
"""Trials of the benchmark, and what a camera says of an element of them."""

from __future__ import annotations

from afformer_core.manipulation.contact import ArmContact
from afformer_core.stream.settings import StreamSettings
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.robot_observation import publish_pixel, see
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial, plan_trials
from afformer_sim.scene.renderer import Renderer


def find_trial(family: str, action: str) -> PlannedTrial:
    """Find the first trial of the benchmark with a family and an action."""
    settings = ClosedLoopSettings(families=(family,))
    trials = (trial for index in range(20) for trial in plan_trials(settings, index))
    return next(trial for trial in trials if trial.task.action == action)


def right_contact(world: ArmWorld) -> ArmContact:
    """Where a perfect model points at in the image of the robot's camera."""
    trial, to_base = world.trial, world.workplace.base.inverse()
    rng = make_rng(trial.scene.seed, Stream.RGBD)
    with Renderer(trial.scene, trial.view.size) as renderer:
        observation = see(renderer, trial.view, trial.states, rng)
    sensed = DepthCamera(0.0, 0.0).measure(observation.depth, rng)
    pixel = observation.right_pixel(trial.scene.fixture, trial.task.element)
    seen = publish_pixel(pixel, observation, sensed, StreamSettings())
    assert seen.position is not None, seen.problem
    assert seen.normal is not None
    point, normal = to_base.apply(seen.position), to_base.direct(seen.normal)
    return ArmContact(trial.task.action, point, normal)
