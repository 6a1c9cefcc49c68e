# SPDX-License-Identifier: Apache-2.0
"""Demonstration of a fixture, and views of a colour and depth camera that moves around it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from afformer_core.replay.annotations import ImageAnnotation
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.cameras.camera import Camera, direction, look_at
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.cameras.sensor import sample_sensor
from afformer_sim.scene.demonstration import (
    SimulatedDemonstration,
    choose_elements,
    plan_demonstration,
)
from afformer_sim.scene.outline import front_centre, front_points, project_outline
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.scene_settings import NumberedSettings, require_families
from afformer_sim.scene.surroundings import sample_lighting, sample_surroundings
from afformer_sim.scene.view import SceneView

# Metres; depth cameras of robots are accurate at these distances, which an arm can reach.
NEAREST, FARTHEST = 0.5, 1.0
_LAP_SECONDS = 12.0
_FILL = 0.9
_POINTS = 10
_POINT_SPREAD = 0.35
# Images per second of the camera and of the demonstration.
RATE, DEMONSTRATION_RATE = 30.0, 10.0


@dataclass(frozen=True, kw_only=True)
class RgbdBagSettings(NumberedSettings):
    """Contents of an RGB-D bag.

    Attributes:
        seed: seed of everything random; equal settings give the same bytes.
        family: family of the fixture.
        size: (width, height) of all images, even.
        seconds: duration of the camera's motion.
        demonstration_frames: length of the demonstration.
        depth_camera: defects of the depth camera.

    Raises:
        ValueError: a value is out of range or unknown.
    """

    family: str = 'control_panel'
    size: tuple[int, int] = (640, 480)
    seconds: float = 4.0
    demonstration_frames: int = 24
    depth_camera: DepthCamera = field(default_factory=DepthCamera)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_families((self.family,))
        if min(self.size) < 32 or round(self.seconds * RATE) < 1:
            raise ValueError(
                f'size is {self.size} and seconds {self.seconds}; expected images of at least '
                '32 x 32 pixels, and at least one'
            )

    def scene(self) -> RgbdScene:
        """Plan the content of the bag."""
        scene = Scene(scene_seed(self.seed, 0), self.family)
        return plan_rgbd_scene(scene, self.size, self.seconds)


@dataclass(frozen=True)
class RgbdScene:
    """Demonstration and views of an RGB-D bag.

    Attributes:
        scene: scene of the fixture.
        demonstration: operation of one of its elements, filmed by another camera.
        views: views of the camera, one for each image; the fixture is at rest.
    """

    scene: Scene
    demonstration: SimulatedDemonstration
    views: tuple[SceneView, ...]

    def annotation(self, number: int, stamp: int) -> ImageAnnotation:
        """Return the annotation of image `number`, whose header has a stamp in nanoseconds.

        Its position is the middle of the element's front.
        """
        element = self.scene.fixture.elements[self.demonstration.element]
        view = self.views[number]
        rng = make_rng(self.scene.seed, Stream.ANNOTATION, 2)
        on_front = front_points(element, _POINTS, _POINT_SPREAD, rng)
        return ImageAnnotation(
            stamp,
            view.camera.project(on_front, view.size),
            project_outline(element, view.camera, view.size),
            optical(view.camera, front_centre(element) - view.camera.position),
            optical(view.camera, element.pose.rotation[:, 2]),
        )


def plan_rgbd_scene(
    scene: Scene, size: tuple[int, int], seconds: float, rate: float = RATE
) -> RgbdScene:
    """Plan the RGB-D views of a scene, deterministically.

    The camera moves around at 0.5 to 1 m from the fixture; its field of view is the narrowest with
    every element in each image.

    Args:
        scene: scene whose fixture is seen.
        size: (width, height) of all images.
        seconds: duration of the camera's motion.
        rate: images per second.
    """
    fixture = scene.fixture
    rng = make_rng(scene.seed, Stream.RGBD)
    poses = _camera_path(fixture, rng, round(seconds * rate), rate)
    field_of_view = _field_of_view(fixture, poses, size)
    cameras = [Camera(pose.position, pose.rotation, field_of_view) for pose in poses]
    lighting = sample_lighting(rng)
    lowest = min(cameras, key=lambda camera: float(camera.position[1]))
    surroundings = sample_surroundings(fixture, lowest, rng)
    # such cameras send rectified images
    sensor = replace(sample_sensor(rng), distortion=0.0, chromatic_shift=0.0)
    return RgbdScene(
        scene,
        plan_demonstration(scene, choose_elements(scene, 1)[0], size=size),
        tuple(
            SceneView(
                size=size,
                camera=camera,
                lighting=lighting,
                surroundings=surroundings,
                sensor=sensor,
            )
            for camera in cameras
        ),
    )


def optical(camera: Camera, vector: np.ndarray) -> np.ndarray:
    """Rotate a vector [3] to the optical frame's axes: x right, y down, z ahead."""
    along: np.ndarray = (vector @ camera.rotation) * np.array([1.0, -1.0, -1.0])
    return along


def _camera_path(
    fixture: Fixture, rng: np.random.Generator, frames: int, rate: float
) -> list[Camera]:
    extent = fixture.extent()
    aim = (extent.max(axis=0) + extent.min(axis=0)) / 2
    phase = rng.uniform(0, 2 * math.pi)
    middle, swing = rng.uniform(0.63, 0.87), rng.uniform(0.05, 0.1)
    poses = []
    for number in range(frames):
        angle = phase + 2 * math.pi * number / rate / _LAP_SECONDS
        distance = middle - swing * math.sin(angle)
        up = fixture.elevation + 2 + 12 * math.sin(angle)
        toward = direction(24 * math.cos(angle), up)
        poses.append(look_at(aim + distance * toward, aim, 2 * math.sin(2 * angle), 45.0))
    return poses


def _field_of_view(fixture: Fixture, poses: list[Camera], size: tuple[int, int]) -> float:
    """Return the narrowest vertical field of view, in degrees, with all elements in all images."""
    solids = fixture.extent()
    width, height = size
    reach = 0.0
    for pose in poses:
        local = (solids - pose.position) @ pose.rotation
        tangents = np.abs(local[:, :2] / local[:, 2:]) * [height / width, 1.0]
        reach = max(reach, float(tangents.max()))
    return math.degrees(2 * math.atan(reach / _FILL))
