# SPDX-License-Identifier: Apache-2.0
"""Views of an appliance at rest: cameras, light and rooms, and their pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.sim.appliance import Appliance
from afformer_core.sim.camera import Camera, direction, frame_appliance, sample_camera
from afformer_core.sim.layout import generate_appliance
from afformer_core.sim.outline import project_outline
from afformer_core.sim.photograph import Sensor, sample_sensor
from afformer_core.sim.renderer import Renderer
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


def frame_times(frames: int) -> np.ndarray:
    """The times of a clip's frames, from 0 to 1, float64 [frames]."""
    if frames < 1:
        raise ValueError(f'a clip needs at least one frame, not {frames}')
    return (np.arange(frames) + 0.5) / frames


def sample_view(
    appliance: Appliance,
    random: np.random.Generator,
    longest_side: int,
    size: tuple[int, int] | None,
) -> View:
    """A random view with every element in it; of a random aspect where `size` is None."""
    across, down = ASPECTS[int(random.integers(len(ASPECTS)))]
    if size is None:
        # video needs even sides
        size = (longest_side // 2 * 2, longest_side * down // across // 2 * 2)
    camera = sample_camera(appliance, size, random)
    return View(
        size,
        camera,
        sample_lighting(random),
        sample_surroundings(appliance, camera, random),
        sample_sensor(random),
    )


def plan_target(
    scene_seed: int, number: int, longest_side: int = 256, size: tuple[int, int] | None = None
) -> View:
    """The target view `number` of a scene: the appliance at rest, without a hand."""
    random = generator(scene_seed, Stream.TARGET, number)
    return sample_view(generate_appliance(scene_seed), random, longest_side, size)


def plan_camera_path(scene_seed: int, frames: int, size: tuple[int, int]) -> list[View]:
    """Views of a camera that moves slowly around the appliance at rest."""
    appliance = generate_appliance(scene_seed)
    random = generator(scene_seed, Stream.CAMERA_PATH)
    first = sample_view(appliance, random, max(size), size)
    phase, fill = random.uniform(0, 2 * math.pi), random.uniform(0.7, 0.85)
    views = []
    for time in frame_times(frames):
        angle = phase + 2 * math.pi * time
        toward = direction(24 * math.cos(angle), 8 + 12 * math.sin(angle))
        camera = frame_appliance(
            appliance,
            toward,
            np.zeros(3),
            2 * math.sin(2 * angle),
            first.camera.field_of_view,
            fill - 0.1 * math.sin(angle),
            size,
        )
        views.append(View(size, camera, first.lighting, first.surroundings, first.sensor))
    return views


def render_target(
    scene_seed: int, number: int = 0, size: tuple[int, int] | None = None
) -> np.ndarray:
    """A target picture: uint8 [H, W, 3] RGB. See `plan_target`."""
    view = plan_target(scene_seed, number, size=size)
    with Renderer(generate_appliance(scene_seed), scene_seed, view.size) as renderer:
        return render_views(renderer, scene_seed, [view])[0]


def render_camera_path(scene_seed: int, frames: int, size: tuple[int, int]) -> np.ndarray:
    """The pictures of `plan_camera_path`: uint8 [frames, H, W, 3] RGB."""
    views = plan_camera_path(scene_seed, frames, size)
    with Renderer(generate_appliance(scene_seed), scene_seed, size) as renderer:
        return np.stack(render_views(renderer, scene_seed, views))


def render_views(renderer: Renderer, scene_seed: int, views: Sequence[View]) -> list[np.ndarray]:
    """Pictures of the appliance at rest, each uint8 [H, W, 3] RGB."""
    pictures = []
    for number, view in enumerate(views):
        random = generator(scene_seed, Stream.TARGET, number, 1)
        renderer.set_room(view.lighting, view.surroundings)
        pictures.append(view.sensor.expose(renderer.render(view.camera, view.size), random))
    return pictures


def outlines_in_views(scene_seed: int, element: int, views: Sequence[View]) -> list[np.ndarray]:
    """An element's outline at rest in each view, float64 [K, 2] pixels; see `project_outline`."""
    target = generate_appliance(scene_seed).elements[element]
    return [project_outline(target, view.camera, view.size) for view in views]
