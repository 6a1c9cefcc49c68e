# SPDX-License-Identifier: Apache-2.0
"""Views of a fixture without a hand: images, outlines of elements, and marks of annotators."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture, States, sample_states
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.solid import STILL, Pose
from afformer_sim.cameras.camera import Camera, sample_camera
from afformer_sim.cameras.sensor import Sensor, sample_sensor
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.world import Lighting, Surroundings, sample_lighting, sample_surroundings


def front_points(
    element: Element, rng: np.random.Generator, displacement: Pose = STILL, count: int = 10
) -> np.ndarray:
    """Draw points on its front at which annotators would touch the element: [count, 3] metres."""
    front = element.front
    half = np.array([front.half_width, front.half_height])
    position = rng.normal(0, _POINT_SPREAD, (count, 2))
    # within the ellipse, because fronts may be round
    position *= np.minimum(1, 0.9 / np.linalg.norm(position, axis=1, keepdims=True)) * half
    local = np.column_stack([position, np.zeros(count)]) + front.centre
    return element.placed(displacement).apply(local)


def front_centre(element: Element, displacement: Pose = STILL) -> np.ndarray:
    """Return the middle of the element's front, [3] metres."""
    return element.placed(displacement).apply(np.array(element.front.centre))


def vector_to_nearest(fixture: Fixture, index: int) -> np.ndarray | None:
    """Return the vector to the nearest element in the element's own frame; None if it is alone."""
    own = fixture.elements[index]
    others = [other for number, other in enumerate(fixture.elements) if number != index]
    if not others:
        return None
    here = front_centre(own)
    nearest = min(others, key=lambda other: float(np.linalg.norm(front_centre(other) - here)))
    return np.asarray((front_centre(nearest) - here) @ own.pose.rotation)


# Standard deviation of marks on a front, as a share of its half extent.
_POINT_SPREAD = 0.35
ASPECTS = ((4, 3), (16, 9), (1, 1), (4, 3))
_OTHER_COLOURS = 0.2


@dataclass(frozen=True, kw_only=True)
class SceneView:
    """Camera, room and states of one image.

    Attributes:
        size: (width, height) of the image.
        camera, sensor: camera of the image and its sensor.
        lighting, surroundings: light and room.
        states: displacements of the elements that are not at rest.
        variant: colours of the fixture, see `Scene.variant`.
    """

    size: tuple[int, int]
    camera: Camera
    lighting: Lighting
    surroundings: Surroundings
    sensor: Sensor
    states: States = field(default_factory=dict)
    variant: int = 0

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Project points, float64 [P, 3] metres, into the image: [P, 2] pixels."""
        return self.sensor.distort_points(self.camera.project(points, self.size), self.size)

    def outline(self, fixture: Fixture, index: int) -> np.ndarray:
        """Return the convex outline of an element's operated part: float64 [K, 2] pixels.

        It is not clipped to the image.
        """
        operated = fixture.elements[index].operated(self.states.get(index, STILL))
        pixels = self.camera.project(operated, self.size).astype(np.float32)
        ideal = cv2.convexHull(pixels)[:, 0].astype(np.float64)
        return self.sensor.distort_points(ideal, self.size)


def frame_times(frames: int) -> np.ndarray:
    """Return the times of a clip's frames, from 0 to 1, float64 [frames]."""
    return (np.arange(frames) + 0.5) / frames


def image_size(
    rng: np.random.Generator, longest_side: int, size: tuple[int, int] | None
) -> tuple[int, int]:
    """Return `size`, or one of a random aspect if it is None."""
    across, down = ASPECTS[int(rng.integers(len(ASPECTS)))]
    if size is not None:
        return size
    # video needs even sides
    return longest_side // 2 * 2, longest_side * down // across // 2 * 2


def sample_view(
    fixture: Fixture,
    rng: np.random.Generator,
    longest_side: int,
    size: tuple[int, int] | None,
    *,
    egocentric: bool = False,
) -> SceneView:
    """Draw a view with every element in it; its aspect is random if `size` is None."""
    size = image_size(rng, longest_side, size)
    camera = sample_camera(fixture, size, rng, egocentric=egocentric)
    return SceneView(
        size=size,
        camera=camera,
        lighting=sample_lighting(rng),
        surroundings=sample_surroundings(fixture, camera, rng),
        sensor=sample_sensor(rng, moving=egocentric),
    )


def plan_target(
    scene: Scene, number: int, longest_side: int = 256, size: tuple[int, int] | None = None
) -> SceneView:
    """Plan the target view `number` of a scene, without a hand, after its last use."""
    rng = make_rng(scene.seed, Stream.TARGET, number)
    view = sample_view(scene.fixture, rng, longest_side, size)
    other = number + 1 if rng.random() < _OTHER_COLOURS else 0
    states = sample_states(scene.fixture, make_rng(scene.seed, Stream.STATE, number))
    # an open door must not reach behind the camera
    states = {
        index: displacement
        for index, displacement in states.items()
        if view.camera.has_ahead(scene.fixture.elements[index].operated(displacement))
    }
    return replace(view, states=states, variant=other)


def render_views(scene: Scene, views: Sequence[SceneView], renderer: Renderer) -> list[np.ndarray]:
    """Render images of the fixture without a hand by a renderer of its scene.

    Returns:
        uint8 [H, W, 3] RGB each; views in other colours open a renderer of their own.
    """
    images: dict[int, np.ndarray] = {}
    for variant in sorted({view.variant for view in views}):
        mine = [number for number, view in enumerate(views) if view.variant == variant]
        width, height = (max(views[number].size[axis] for number in mine) for axis in (0, 1))
        other = Renderer(replace(scene, variant=variant), (width, height)) if variant else None
        with other or nullcontext(renderer) as shown:
            images |= {number: _expose(shown, scene, views, number) for number in mine}
    return [images[number] for number in range(len(views))]


def _expose(
    renderer: Renderer, scene: Scene, views: Sequence[SceneView], number: int
) -> np.ndarray:
    view = views[number]
    rng = make_rng(scene.seed, Stream.TARGET, number, 1)
    renderer.set_room(view.lighting, view.surroundings)
    image = renderer.render(view.camera, view.size, states=view.states)
    return view.sensor.expose(image, rng)
