# SPDX-License-Identifier: Apache-2.0
"""Writer of RGB-D rosbags: a demonstration, then a camera that moves around the fixture.

OUT/bag                rosbag2 with the topics below OUT/annotations.json   annotations of every
image, see `afformer_core.replay.annotations`
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from afformer_core.errors import DatasetError
from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_encoding import image_message
from afformer_core.messages.rosbags_messages import RosbagsMessages
from afformer_core.replay.annotations import ImageAnnotation
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.cameras.camera import Camera, direction, look_at
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.cameras.sensor import sample_sensor
from afformer_sim.datasets.rgbd_messages import camera_info_message, depth_message, header_message
from afformer_sim.scene.demonstration import (
    SimulatedDemonstration,
    choose_elements,
    plan_demonstration,
    render_clip,
)
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import NumberedSettings, Scene, require_families
from afformer_sim.scene.view import SceneView, front_centre, front_points
from afformer_sim.scene.world import sample_lighting, sample_surroundings

_LAP_SECONDS = 12.0
_FILL = 0.9
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

    Raises:
        ValueError: a value is out of range or unknown.
    """

    family: str = 'control_panel'
    size: tuple[int, int] = (640, 480)
    seconds: float = 4.0
    demonstration_frames: int = 24

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
        demonstration = plan_demonstration(scene, choose_elements(scene, 1)[0], size=self.size)
        return RgbdScene(scene, demonstration, plan_rgbd_views(scene, self.size, self.seconds))


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
        on_front = front_points(element, rng)
        return ImageAnnotation(
            stamp,
            view.pixels(on_front),
            view.outline(self.scene.fixture, self.demonstration.element),
            (front_centre(element) - view.camera.position) @ view.camera.optical.rotation,
            element.pose.rotation[:, 2] @ view.camera.optical.rotation,
        )


def plan_rgbd_views(
    scene: Scene, size: tuple[int, int], seconds: float, rate: float = RATE
) -> tuple[SceneView, ...]:
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
    room: Any = {'lighting': lighting, 'surroundings': surroundings, 'sensor': sensor}
    return tuple(SceneView(size=size, camera=camera, **room) for camera in cameras)


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


DEMONSTRATION_TOPIC = '/demonstration'
IMAGE_TOPIC = '/camera/image'
DEPTH_TOPIC = '/camera/depth'
CAMERA_INFO_TOPIC = '/camera/camera_info'
FRAME_ID = 'camera_optical_frame'
DEMONSTRATION_FRAME_ID = 'demonstration_optical_frame'
_TYPES = {
    **dict.fromkeys((DEMONSTRATION_TOPIC, IMAGE_TOPIC, DEPTH_TOPIC), 'sensor_msgs/msg/Image'),
    CAMERA_INFO_TOPIC: 'sensor_msgs/msg/CameraInfo',
}

_START = 1_700_000_000 * 10**9
_PAUSE = 10**9
_MILLISECOND = 10**6
_FOREVER = QosTime(2147483647, 4294967295)
_QOS = Qos(
    QosHistory.KEEP_LAST,
    5,
    QosReliability.RELIABLE,
    QosDurability.VOLATILE,
    _FOREVER,
    _FOREVER,
    QosLiveliness.AUTOMATIC,
    _FOREVER,
    False,
)


# Time at which a message was logged, in nanoseconds, its topic, and the message.
_Logged = tuple[int, str, Any]


def write_rgbd_bag(folder: Path, settings: RgbdBagSettings) -> Iterator[int]:
    """Write a bag and its annotations; yield the number of images written so far.

    The folder appears when it is complete.

    Raises:
        DatasetError: the folder exists.
    """
    if folder.exists():
        raise DatasetError(f'{folder} exists; choose another folder or remove it first')
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f'.{folder.name}.{os.getpid()}.part')
    scene = settings.scene()
    stamps = _stamps(settings, scene)
    try:
        aside.mkdir()
        _write_annotations(aside / 'annotations.json', settings, scene, stamps)
        yield from _write_messages(aside / 'bag', settings, scene, stamps)
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _stamps(settings: RgbdBagSettings, scene: RgbdScene) -> np.ndarray:
    """Draw the times of the camera's images: int64 [N] nanoseconds, nearly evenly spaced."""
    rng = make_rng(scene.scene.seed, Stream.RGBD, 2)
    first = _START + round(1e9 * settings.demonstration_frames / DEMONSTRATION_RATE) + _PAUSE
    periods = np.arange(len(scene.views)) + rng.uniform(-0.02, 0.02, len(scene.views))
    return np.asarray(first + np.round(1e9 / RATE * periods).astype(np.int64))


def _write_messages(
    folder: Path, settings: RgbdBagSettings, scene: RgbdScene, stamps: np.ndarray
) -> Iterator[int]:
    typestore = get_typestore(Stores.LATEST)
    with (
        Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
        Renderer(scene.scene, settings.size) as renderer,
    ):
        qos: Any = {'typestore': typestore, 'offered_qos_profiles': [_QOS]}
        connections = {
            topic: writer.add_connection(topic, kind, **qos) for topic, kind in _TYPES.items()
        }

        def write(logged: Iterable[_Logged]) -> None:
            for time, topic, message in logged:
                data = typestore.serialize_cdr(message, _TYPES[topic])
                writer.write(connections[topic], time, data)

        film = _Film(RosbagsMessages(typestore), renderer, scene)
        write(film.demonstration(settings.demonstration_frames))
        for number, stamp in enumerate(stamps.tolist()):
            write(film.camera(number, stamp))
            yield number + 1


@dataclass(frozen=True)
class _Film:
    """Messages of a scene by a renderer of it."""

    factory: MessageFactory
    renderer: Renderer
    scene: RgbdScene

    def demonstration(self, frames: int) -> Iterator[_Logged]:
        """Render the messages of the demonstration."""
        scene = self.scene.scene
        clip = render_clip(self.renderer, scene, self.scene.demonstration, frames)
        rng = make_rng(scene.seed, Stream.RGBD, 3)
        for number, image in enumerate(clip):
            stamp = _START + round(1e9 * number / DEMONSTRATION_RATE)
            arrival = stamp + round(rng.uniform(8, 14) * _MILLISECOND)
            header = header_message(self.factory, stamp, DEMONSTRATION_FRAME_ID)
            yield arrival, DEMONSTRATION_TOPIC, image_message(self.factory, image, 'rgb8', header)

    def camera(self, number: int, stamp: int) -> list[_Logged]:
        """Render the camera's messages for one view: colour, calibration and later depth."""
        factory, seed, view = self.factory, self.scene.scene.seed, self.scene.views[number]
        rng = make_rng(seed, Stream.RGBD, 4, number)
        self.renderer.set_room(view.lighting, view.surroundings)
        clean, exact = self.renderer.render_with_depth(view.camera, view.size)
        image = view.sensor.expose(clean, rng)
        sensed = DepthCamera().measure(exact, make_rng(seed, Stream.RGBD, 1, number))
        # the two sensors of such cameras are not triggered at exactly the same time
        depth_stamp = stamp + round(rng.uniform(1, 3) * _MILLISECOND)
        arrival = stamp + round(rng.uniform(9, 12) * _MILLISECOND)
        later = arrival + round(rng.uniform(2, 8) * _MILLISECOND)
        header = header_message(factory, stamp, FRAME_ID)
        depth_header = header_message(factory, depth_stamp, FRAME_ID)
        return [
            (arrival, IMAGE_TOPIC, image_message(factory, image, 'rgb8', header)),
            (arrival + 100_000, CAMERA_INFO_TOPIC, camera_info_message(factory, view, header)),
            (later, DEPTH_TOPIC, depth_message(factory, sensed, '16UC1', depth_header)),
        ]


def _write_annotations(
    path: Path, settings: RgbdBagSettings, scene: RgbdScene, stamps: np.ndarray
) -> None:
    element = scene.scene.fixture.elements[scene.demonstration.element]
    content = {
        'seed': settings.seed,
        'scene_seed': scene.scene.seed,
        'element': scene.demonstration.element,
        'family': scene.scene.family,
        'kind': element.kind,
        'action': scene.demonstration.action,
        'image_topic': IMAGE_TOPIC,
        'images': [
            scene.annotation(number, int(stamp)).to_json() for number, stamp in enumerate(stamps)
        ],
    }
    path.write_text(json.dumps(content), encoding='utf-8')
