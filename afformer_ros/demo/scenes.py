# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo: what is shown, and those that are made of the user's files."""

from __future__ import annotations

import math
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
CAMERA_FRAMES = 24
_LONGEST_SIDE = 640


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
        action: the demonstrated action; None where it is unknown.
    """

    name: str
    title: str
    demonstration: Path
    image: Path
    camera: Path
    outline: NDArray[np.float64] | None
    action: str | None = None


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
    write_image(still, shrunk)
    write_video(camera, _moved(shrunk, moving_camera(shrunk.shape[1::-1])), CAMERA_RATE)
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


def moving_camera(size: tuple[int, int]) -> Iterator[NDArray[np.float64]]:
    """Yield the images of a camera that moves in front of an image, nearer and farther.

    Args:
        size: (width, height) of the image.

    Returns:
        float64 [3, 3] each, from pixels of the image to those of the camera's.
    """
    width, height = size
    for number in range(CAMERA_FRAMES):
        angle = 2 * math.pi * number / CAMERA_FRAMES
        zoom = 1.2 - 0.12 * math.cos(angle)
        room = 0.5 * (1 - 1 / zoom)
        centre = (
            width * (0.5 + 0.8 * room * math.sin(angle)),
            height * (0.5 + 0.8 * room * math.sin(2 * angle)),
        )
        matrix = np.eye(3)
        matrix[:2] = cv2.getRotationMatrix2D(centre, 2 * math.sin(angle), zoom)
        matrix[:2, 2] += np.array([width / 2, height / 2]) - centre
        yield matrix


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image, uint8 [H, W, 3] RGB.

    Raises:
        OSError: the file cannot be written.
    """
    if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
        raise OSError(f'{path} cannot be written')


def _moved(
    image: NDArray[np.uint8], matrices: Iterator[NDArray[np.float64]]
) -> Iterator[NDArray[np.uint8]]:
    """Yield an image as each matrix shows it."""
    size = (image.shape[1], image.shape[0])
    for matrix in matrices:
        moved: Any = cv2.warpPerspective(
            image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        yield moved
