# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo: a demonstration, a camera image, and a camera that moves in front of it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.example_pairs.pair_folder import real_pairs, rendered_pairs
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import VideoReader, write_video

CAMERA_RATE = 10.0
CAMERA_FRAMES = 15
# Frames of a camera that rests before it moves.
_RESTING_FRAMES = 4

_LONGEST_SIDE = 640
# Frames per second of a demonstration that is played, and its longest duration in seconds.
_RATE, _LONGEST = 12.0, 30.0

# Action and outline, in pixels of the image, of the demonstrated part of each pair.
_DEMONSTRATED = {
    'button': ('push', ((278, 175), (300, 175), (300, 198), (278, 198))),
    'knob': (
        'rotate',
        ((254, 69), (265, 74), (270, 85), (265, 96), (254, 101), (243, 96), (238, 85)),
    ),
    'drawers_pull': ('pull', ((271, 188), (210, 194), (208, 173), (270, 168), (271, 173))),
}


@dataclass(frozen=True, kw_only=True)
class DemoScene:
    """One scene of the demo.

    Attributes:
        name: name of the demonstration, valid for the node.
        title: title for people.
        demonstration: video of the demonstration.
        image: the still camera image.
        camera: video of a camera that rests where `image` was taken, and then moves.
        outline: outline of the demonstrated element, float64 [K, 2] in pixels of `image`; None if
            unknown.
        action: the demonstrated action; None if unknown.
        scale: width and height of the user's image, divided by those of `image`.
    """

    name: str
    title: str
    demonstration: Path
    image: Path
    camera: Path
    outline: NDArray[np.float64] | None = None
    action: str | None = None
    scale: tuple[float, float] = (1.0, 1.0)


def example_scenes(folder: Path) -> Iterator[DemoScene]:
    """Create the scenes of the example pairs, with a folder of files for each."""
    pairs = [
        pair for pair in (*real_pairs(), *rendered_pairs()) if pair.video.stem in _DEMONSTRATED
    ]
    for number, pair in enumerate(pairs, start=1):
        action, outline = _DEMONSTRATED[pair.video.stem]
        (folder / pair.video.stem).mkdir()
        scene = given_scene(folder / pair.video.stem, pair.video, pair.image)
        title = f'{number}. {pair.title}'
        yield replace(scene, title=title, action=action, outline=np.array(outline, float))


def given_scene(folder: Path, video: Path, image: Path) -> DemoScene:
    """Create a scene from a video and an image; the camera moves over the image and back.

    Both are shrunk to the size of a camera image, because messages of 4K images would take longer
    than the video.

    Raises:
        VideoError: the video cannot be read, or is longer than 30 s.
        ImageError: the image cannot be read.
    """
    demonstration = folder / 'demonstration.mp4'
    _write_shrunk_video(demonstration, video)
    given = read_image(image)
    shrunk = _shrunk(given)
    still, camera = folder / 'camera_image.png', folder / 'camera.mp4'
    write_image(still, shrunk)
    write_video(camera, _camera_images(shrunk), CAMERA_RATE)
    name = re.sub(r'[^A-Za-z0-9_.-]', '_', video.stem).lstrip('.')[:64] or 'demonstration'
    return DemoScene(
        name=name,
        title=f'{video.name} in {image.name}',
        demonstration=demonstration,
        image=still,
        camera=camera,
        scale=(given.shape[1] / shrunk.shape[1], given.shape[0] / shrunk.shape[0]),
    )


def moving_camera(size: tuple[int, int]) -> Iterator[NDArray[np.float64]]:
    """Yield the images of a camera that moves back and forth in front of an image.

    The first one is the image.

    Args:
        size: (width, height) of the image.

    Returns:
        float64 [3, 3] each, from pixels of the image to pixels of the camera's image.
    """
    width, height = size
    for number in range(CAMERA_FRAMES):
        angle = 2 * math.pi * number / CAMERA_FRAMES
        zoom = 1.12 - 0.12 * math.cos(angle)
        room = 0.5 * (1 - 1 / zoom)
        right, down = (0.5 + 0.8 * room * math.sin(turns * angle) for turns in (1, 2))
        centre = (width * right, height * down)
        matrix = np.eye(3)
        matrix[:2] = cv2.getRotationMatrix2D(centre, 2 * math.sin(angle), zoom)
        matrix[:2, 2] += np.array([width / 2, height / 2]) - centre
        yield matrix


def _camera_images(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a camera that rests before it moves."""
    size = (image.shape[1], image.shape[0])
    for number, matrix in enumerate(moving_camera(size)):
        moved: Any = cv2.warpPerspective(
            image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        yield from itertools.repeat(moved, 1 if number else _RESTING_FRAMES)


def _write_shrunk_video(path: Path, video: Path) -> None:
    """Write a video with at most 18 frames per second, each in the size of a camera image."""
    with VideoReader(video) as reader:
        # A file may announce its duration before it is read as a whole.
        _require_short(video, reader.duration or 0.0)
        count = reader.count()
        _require_short(video, count / reader.rate)
        step = max(1, round(reader.rate / _RATE))
        frames = map(_shrunk, reader.select(range(0, count, step)))
        write_video(path, frames, reader.rate / step)


def _require_short(video: Path, seconds: float) -> None:
    if seconds > _LONGEST:
        raise VideoError(
            f'{video} lasts {seconds:.0f} s; expected at most {_LONGEST:.0f} s. Cut out the part '
            'that shows the action'
        )


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize an image to the size of a camera image, with even sides."""
    scale = min(1.0, _LONGEST_SIDE / max(image.shape[:2]))
    height, width = (max(2, 2 * round(side * scale / 2)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
