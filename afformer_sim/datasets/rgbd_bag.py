# SPDX-License-Identifier: Apache-2.0
"""Writer of RGB-D rosbags: a demonstration, then a camera that moves around the fixture.

OUT/bag                rosbag2 with the topics below OUT/annotations.json   annotations of every
image, see `afformer_core.replay.annotations`
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
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
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.cameras.depth_camera import SensedDepth
from afformer_sim.datasets.rgbd_messages import (
    camera_info_message,
    depth_message,
    header_message,
)
from afformer_sim.datasets.rgbd_scene import (
    DEMONSTRATION_RATE,
    RATE,
    RgbdBagSettings,
    RgbdScene,
)
from afformer_sim.scene.demonstration import render_clip
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.view import SceneView

DEMONSTRATION_TOPIC = '/demonstration'
IMAGE_TOPIC = '/camera/image'
DEPTH_TOPIC = '/camera/depth'
CAMERA_INFO_TOPIC = '/camera/camera_info'
FRAME_ID = 'camera_optical_frame'
DEMONSTRATION_FRAME_ID = 'demonstration_optical_frame'
_TYPES = {
    DEMONSTRATION_TOPIC: 'sensor_msgs/msg/Image',
    IMAGE_TOPIC: 'sensor_msgs/msg/Image',
    DEPTH_TOPIC: 'sensor_msgs/msg/Image',
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


def sensed_depth(
    renderer: Renderer, settings: RgbdBagSettings, view: SceneView, number: int
) -> SensedDepth:
    """Render depth for image `number` of a scene, as its depth camera measures it."""
    rng = make_rng(scene_seed(settings.seed, 0), Stream.RGBD, 1, number)
    return settings.depth_camera.measure(renderer.depth(view.camera, view.size), rng)


def _stamps(settings: RgbdBagSettings, scene: RgbdScene) -> np.ndarray:
    """Draw the times of the camera's images: int64 [N] nanoseconds, nearly evenly spaced."""
    rng = make_rng(scene.scene.seed, Stream.RGBD, 2)
    first = _START + round(1e9 * settings.demonstration_frames / DEMONSTRATION_RATE) + _PAUSE
    periods = np.arange(len(scene.views)) + rng.uniform(-0.02, 0.02, len(scene.views))
    stamps: np.ndarray = first + np.round(1e9 / RATE * periods).astype(np.int64)
    return stamps


def _write_messages(
    folder: Path, settings: RgbdBagSettings, scene: RgbdScene, stamps: np.ndarray
) -> Iterator[int]:
    typestore = get_typestore(Stores.LATEST)
    factory = RosbagsMessages(typestore)
    with (
        Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
        Renderer(scene.scene, settings.size) as renderer,
    ):
        connections = {
            topic: writer.add_connection(
                topic, kind, typestore=typestore, offered_qos_profiles=[_QOS]
            )
            for topic, kind in _TYPES.items()
        }

        def write(time: int, topic: str, message: Any) -> None:
            data = typestore.serialize_cdr(message, _TYPES[topic])
            writer.write(connections[topic], time, data)

        for logged in _demonstration(factory, renderer, settings, scene):
            write(*logged)
        for number in range(len(scene.views)):
            for logged in _camera(factory, renderer, settings, scene, number, int(stamps[number])):
                write(*logged)
            yield number + 1


def _demonstration(
    factory: MessageFactory, renderer: Renderer, settings: RgbdBagSettings, scene: RgbdScene
) -> Iterator[_Logged]:
    clip = render_clip(renderer, scene.scene, scene.demonstration, settings.demonstration_frames)
    rng = make_rng(scene.scene.seed, Stream.RGBD, 3)
    for number, image in enumerate(clip):
        stamp = _START + round(1e9 * number / DEMONSTRATION_RATE)
        arrival = stamp + round(rng.uniform(8, 14) * _MILLISECOND)
        header = header_message(factory, stamp, DEMONSTRATION_FRAME_ID)
        yield arrival, DEMONSTRATION_TOPIC, image_message(factory, image, 'rgb8', header)


def _camera(
    factory: MessageFactory,
    renderer: Renderer,
    settings: RgbdBagSettings,
    scene: RgbdScene,
    number: int,
    stamp: int,
) -> list[_Logged]:
    """Render the camera's messages for one view: colour, calibration and later depth."""
    rng = make_rng(scene.scene.seed, Stream.RGBD, 4, number)
    view = scene.views[number]
    renderer.set_room(view.lighting, view.surroundings)
    image = view.sensor.expose(renderer.render(view.camera, view.size), rng)
    sensed = sensed_depth(renderer, settings, view, number)
    # the two sensors of such cameras are not triggered at exactly the same time
    depth_stamp = stamp + round(rng.uniform(1, 3) * _MILLISECOND)
    arrival = stamp + round(rng.uniform(9, 12) * _MILLISECOND)
    later = arrival + round(rng.uniform(2, 8) * _MILLISECOND)
    header = header_message(factory, stamp, FRAME_ID)
    depth_header = header_message(factory, depth_stamp, FRAME_ID)
    depth = depth_message(factory, sensed, '16UC1', depth_header)
    return [
        (arrival, IMAGE_TOPIC, image_message(factory, image, 'rgb8', header)),
        (arrival + 100_000, CAMERA_INFO_TOPIC, camera_info_message(factory, view, header)),
        (later, DEPTH_TOPIC, depth),
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
