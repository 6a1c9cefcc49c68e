# SPDX-License-Identifier: Apache-2.0
"""Demonstrations and target views of a scene: what is in them, and their pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.sim.appliance import ACTIONS, Appliance
from afformer_core.sim.camera import Camera, direction, frame_appliance, sample_camera
from afformer_core.sim.grasp import Grasp, sample_grasp
from afformer_core.sim.hand import Capsule, HandAppearance, hand_capsules, sample_appearance
from afformer_core.sim.layout import generate_appliance
from afformer_core.sim.motion import Motion, sample_motion
from afformer_core.sim.outline import project_outline
from afformer_core.sim.photograph import Sensor, sample_sensor
from afformer_core.sim.renderer import ElementState, Renderer
from afformer_core.sim.seeds import Stream, generator
from afformer_core.sim.surroundings import (
    Lighting,
    Surroundings,
    sample_lighting,
    sample_surroundings,
)

ASPECTS = ((4, 3), (16, 9), (1, 1), (4, 3))


@dataclass(frozen=True)
class View:
    """A camera with its sensor, the light and the room; `size` is (width, height)."""

    size: tuple[int, int]
    camera: Camera
    lighting: Lighting
    surroundings: Surroundings
    sensor: Sensor


@dataclass(frozen=True)
class Demonstration:
    """A hand that operates one element of an appliance, as a camera sees it.

    Attributes:
        element: index of the element.
        motion, hand, grasp: how it is operated.
        view: the camera at the clip's middle.
        drift: [2, 3], how far the camera moves (metres) and turns (radians) during the clip.
    """

    element: int
    motion: Motion
    hand: HandAppearance
    grasp: Grasp
    view: View
    drift: np.ndarray

    @property
    def action(self) -> str:
        """One out of `ACTIONS`."""
        return self.motion.action

    def camera(self, time: float) -> Camera:
        """The camera at a time from 0 to 1."""
        return self.view.camera.moved(*(self.drift * (time - 0.5)))

    def capsules(self, appliance: Appliance, time: float) -> list[Capsule]:
        """The hand at a time from 0 to 1."""
        element = appliance.elements[self.element]
        at = min(max(time, self.motion.start), self.motion.end)
        pose = self.grasp.pose(element, self.motion.hand_offset(time), self.motion.openness(time),
                               self.motion.travel(at), self.motion.turn(at))
        return hand_capsules(self.hand, pose)

    def state(self, time: float) -> ElementState:
        """The element at a time from 0 to 1."""
        return ElementState(self.motion.travel(time), self.motion.turn(time))


def frame_times(frames: int) -> np.ndarray:
    """The times of a clip's frames, from 0 to 1, float64 [frames]."""
    if frames < 1:
        raise ValueError(f'a clip needs at least one frame, not {frames}')
    return (np.arange(frames) + 0.5) / frames


def choose_elements(scene_seed: int, count: int) -> list[int]:
    """Indices of `count` different elements of a scene, each as likely as any other."""
    elements = len(generate_appliance(scene_seed).elements)
    if count > elements:
        raise ValueError(f'the appliance has {elements} elements, fewer than {count}')
    random = generator(scene_seed, Stream.CHOICE)
    return [int(i) for i in random.permutation(elements)[:count]]


def plan_demonstration(scene_seed: int, element: int, longest_side: int = 256,
                       size: tuple[int, int] | None = None,
                       action: str | None = None) -> Demonstration:
    """The demonstration of an element of a scene: always the same for the same arguments.

    Args:
        scene_seed: the scene's.
        element: index of the element.
        longest_side: of the picture, whose aspect is random.
        size: (width, height) of the picture instead.
        action: one that the element affords; random where it is None.
    """
    appliance = generate_appliance(scene_seed)
    target = appliance.elements[element]
    random = generator(scene_seed, Stream.DEMONSTRATION, element)
    drawn = target.kind.actions[int(random.integers(2))]
    motion = sample_motion(target, action or drawn, random)
    hand = sample_appearance(random)
    view = _sample_view(appliance, random, longest_side, size)
    drift = np.zeros((2, 3))
    if random.random() < 0.5:
        drift = random.normal(0, 1, (2, 3)) * [[0.012], [0.015]]
    for _ in range(30):
        plan = Demonstration(element, motion, hand, sample_grasp(target, hand, random), view,
                             drift)
        if _leaves_view_free(appliance, plan):
            break
    return plan


def plan_target(scene_seed: int, number: int, longest_side: int = 256,
                size: tuple[int, int] | None = None) -> View:
    """The target view `number` of a scene: the appliance at rest, without a hand."""
    random = generator(scene_seed, Stream.TARGET, number)
    return _sample_view(generate_appliance(scene_seed), random, longest_side, size)


def render_demonstration(scene_seed: int, element: int, frames: int = 8,
                         size: tuple[int, int] | None = None,
                         action: str | None = None) -> np.ndarray:
    """A demonstration's clip: uint8 [frames, H, W, 3] RGB. See `plan_demonstration`."""
    plan = plan_demonstration(scene_seed, element, size=size, action=action)
    with Renderer(generate_appliance(scene_seed), scene_seed, plan.view.size) as renderer:
        return render_clip(renderer, scene_seed, plan, frames)


def render_target(scene_seed: int, number: int = 0,
                  size: tuple[int, int] | None = None) -> np.ndarray:
    """A target picture: uint8 [H, W, 3] RGB. See `plan_target`."""
    view = plan_target(scene_seed, number, size=size)
    with Renderer(generate_appliance(scene_seed), scene_seed, view.size) as renderer:
        return render_views(renderer, scene_seed, [view])[0]


def plan_camera_path(scene_seed: int, frames: int, size: tuple[int, int]) -> list[View]:
    """Views of a camera that moves slowly around the appliance at rest."""
    appliance = generate_appliance(scene_seed)
    random = generator(scene_seed, Stream.CAMERA_PATH)
    first = _sample_view(appliance, random, max(size), size)
    phase, fill = random.uniform(0, 2 * math.pi), random.uniform(0.7, 0.85)
    views = []
    for time in frame_times(frames):
        angle = phase + 2 * math.pi * time
        toward = direction(24 * math.cos(angle), 8 + 12 * math.sin(angle))
        camera = frame_appliance(appliance, toward, np.zeros(3), 2 * math.sin(2 * angle),
                                 first.camera.field_of_view, fill - 0.1 * math.sin(angle), size)
        views.append(View(size, camera, first.lighting, first.surroundings, first.sensor))
    return views


def render_camera_path(scene_seed: int, frames: int, size: tuple[int, int]) -> np.ndarray:
    """The pictures of `plan_camera_path`: uint8 [frames, H, W, 3] RGB."""
    views = plan_camera_path(scene_seed, frames, size)
    with Renderer(generate_appliance(scene_seed), scene_seed, size) as renderer:
        return np.stack(render_views(renderer, scene_seed, views))


def outlines_in_views(scene_seed: int, element: int, views: Sequence[View]) -> list[np.ndarray]:
    """An element's outline at rest in each view, float64 [K, 2] pixels; see `project_outline`."""
    target = generate_appliance(scene_seed).elements[element]
    return [project_outline(target, view.camera, view.size) for view in views]


def render_clip(renderer: Renderer, scene_seed: int, plan: Demonstration,
                frames: int) -> np.ndarray:
    """A demonstration's clip by a renderer of its scene: uint8 [frames, H, W, 3] RGB."""
    appliance = generate_appliance(scene_seed)
    random = generator(scene_seed, Stream.DEMONSTRATION, plan.element, frames)
    view = plan.view
    renderer.set_room(view.lighting, view.surroundings)
    return np.stack([
        view.sensor.expose(
            renderer.render(plan.camera(time), view.size, plan.capsules(appliance, time),
                            {plan.element: plan.state(time)}), random)
        for time in frame_times(frames).tolist()])


def render_views(renderer: Renderer, scene_seed: int, views: Sequence[View]) -> list[np.ndarray]:
    """Pictures of the appliance at rest, each uint8 [H, W, 3] RGB."""
    pictures = []
    for number, view in enumerate(views):
        random = generator(scene_seed, Stream.TARGET, number, 1)
        renderer.set_room(view.lighting, view.surroundings)
        pictures.append(view.sensor.expose(renderer.render(view.camera, view.size), random))
    return pictures


def action_index(action: str) -> int:
    """Where an action is in `ACTIONS`."""
    return ACTIONS.index(action)


def _sample_view(appliance: Appliance, random: np.random.Generator, longest_side: int,
                 size: tuple[int, int] | None) -> View:
    across, down = ASPECTS[int(random.integers(len(ASPECTS)))]
    if size is None:
        # video needs even sides
        size = (longest_side // 2 * 2, longest_side * down // across // 2 * 2)
    camera = sample_camera(appliance, size, random)
    return View(size, camera, sample_lighting(random),
                sample_surroundings(appliance, camera, random), sample_sensor(random))


def _leaves_view_free(appliance: Appliance, plan: Demonstration) -> bool:
    """Whether the arm in contact stays clear of the camera and of the line to the element."""
    camera = plan.camera(0.5)
    element = appliance.elements[plan.element]
    front = np.array([element.x, element.y, element.depth])
    sight = front - camera.position
    distance = float(np.linalg.norm(sight))
    points = np.concatenate([
        np.linspace(capsule.start, capsule.end, 6)
        for capsule in plan.capsules(appliance, (plan.motion.start + plan.motion.end) / 2)])
    along = (points - camera.position) @ (sight / distance)
    aside = np.linalg.norm(points - camera.position - np.outer(along, sight / distance), axis=1)
    near = (along < 0.5 * distance) & (aside < 0.45 * along.clip(0) + 0.05)
    # palm and forearm rather than the fingers themselves may hide the element
    hiding = (along < distance - 0.03) & (aside < 0.02)
    return not near.any() and hiding.sum() < 4
