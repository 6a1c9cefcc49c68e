# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo: rendered by the simulator, or made of the user's files."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.media.images import read_image
from afformer_core.media.video import VideoReader, read_video, write_video

CAMERA_RATE = 10.0
_CAMERA_FRAMES = 24
_CLIP_FRAMES = 24
_CLIP_RATE = 12.0
_SIZE = (480, 360)
_LONGEST_SIDE = 640

# A seed that no training dataset has; then family, index, and number of the drawn element.
_DATASET_SEED = 990_017
_SIMULATED = (('control_panel', 1, 0), ('control_panel', 1, 1), ('jars', 3, 1))


@dataclass(frozen=True)
class Scene:
    """One scene of the demo.

    Attributes:
        name: name of the demonstration, as the node accepts names.
        title: title for people.
        demonstration: video of the demonstration.
        image: the still camera image.
        camera: video of a moving camera.
        outline: outline of the demonstrated element, float64 [K, 2] in pixels of `image`; None
            where it is unknown.
    """

    name: str
    title: str
    demonstration: Path
    image: Path
    camera: Path
    outline: NDArray[np.float64] | None


def simulated_scenes(folder: Path) -> Iterator[Scene]:
    """Render scenes that no model was trained on; two demonstrations share the first one.

    Args:
        folder: folder for the files.

    Raises:
        ImportError: mujoco is not installed.
    """
    # Rendering needs no display, and this must be set before mujoco is imported.
    os.environ.setdefault('MUJOCO_GL', 'egl')
    from afformer_core.sim.bodies.seeds import scene_seed
    from afformer_core.sim.scene import demonstration as simulation
    from afformer_core.sim.scene import view as cameras
    from afformer_core.sim.scene.scene import Scene as SimulatedScene

    for number, (family, index, draw) in enumerate(_SIMULATED):
        scene = SimulatedScene(scene_seed(_DATASET_SEED, index), family, held_out=True)
        element = simulation.choose_elements(scene, 2)[draw]
        demonstration = simulation.plan_demonstration(scene, element, size=_SIZE)
        target = cameras.plan_target(scene, 0, size=_SIZE)
        clip = simulation.render_demonstration(scene, element, _CLIP_FRAMES, _SIZE)
        name = f'{family}_{demonstration.action}_{element}'.replace(' ', '_')
        video, image = folder / f'{name}.mp4', folder / f'{name}.png'
        camera = folder / f'{name}_camera.mp4'
        write_video(video, clip, _CLIP_RATE)
        _write_image(image, cameras.render_target(scene, 0, _SIZE))
        path = cameras.render_camera_path(scene, _CAMERA_FRAMES, _SIZE)
        write_video(camera, path, CAMERA_RATE)
        outline = cameras.outlines_in_views(scene, element, [target])[0]
        title = f'{number + 1}. {family.replace("_", " ")}: {demonstration.action}'
        yield Scene(name, title, video, image, camera, outline)


def given_scene(folder: Path, video: Path, image: Path) -> Scene:
    """Make a scene of a video and an image; the camera moves over the image and back.

    Raises:
        VideoError: the video cannot be read.
        ImageError: the image cannot be read.
    """
    with VideoReader(video) as reader:
        next(iter(reader))
    shrunk = _shrunk(read_image(image))
    still, camera = folder / 'camera_image.png', folder / 'camera.mp4'
    _write_image(still, shrunk)
    write_video(camera, _moving_camera(shrunk), CAMERA_RATE)
    name = re.sub(r'[^A-Za-z0-9_.-]', '_', video.stem).lstrip('.')[:64] or 'demonstration'
    return Scene(name, f'{video.name} in {image.name}', video.resolve(), still, camera, None)


def demonstration_frames(path: Path, count: int) -> list[NDArray[np.uint8]]:
    """Read at most so many frames of a video, evenly spaced: uint8 RGB [H, W, 3] each."""
    return list(read_video(path, count))


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize an image to a size that a camera would send, with even sides."""
    scale = min(1.0, _LONGEST_SIDE / max(image.shape[:2]))
    height, width = (max(2, 2 * round(side * scale / 2)) for side in image.shape[:2])
    return np.asarray(
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


def _moving_camera(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a camera that moves around in front of an image, nearer and farther."""
    height, width = image.shape[:2]
    for number in range(_CAMERA_FRAMES):
        angle = 2 * math.pi * number / _CAMERA_FRAMES
        zoom = 1.2 - 0.12 * math.cos(angle)
        room = 0.5 * (1 - 1 / zoom)
        centre = (
            width * (0.5 + 0.8 * room * math.sin(angle)),
            height * (0.5 + 0.8 * room * math.sin(2 * angle)),
        )
        matrix = cv2.getRotationMatrix2D(centre, 2 * math.sin(angle), zoom)
        matrix[:, 2] += np.array([width / 2, height / 2]) - centre
        moved: Any = cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        yield moved


def _write_image(path: Path, image: NDArray[np.uint8]) -> None:
    if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
        raise OSError(f'{path} cannot be written')
