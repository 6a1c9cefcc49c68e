# SPDX-License-Identifier: Apache-2.0
"""Scenes of the demo from the user's files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import VideoError
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import VideoReader, write_video
from afformer_sim.demo_scenes.scene import (
    CAMERA_RATE,
    DemoScene,
    moving_camera,
    resting_first,
)

_LONGEST_SIDE = 640
# Frames per second of a demonstration that is played, and its longest duration in seconds.
_RATE, _LONGEST = 12.0, 30.0


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
    moved = _moved(shrunk, moving_camera(shrunk.shape[1::-1]))
    write_video(camera, resting_first(moved), CAMERA_RATE)
    name = re.sub(r'[^A-Za-z0-9_.-]', '_', video.stem).lstrip('.')[:64] or 'demonstration'
    return DemoScene(
        name=name,
        title=f'{video.name} in {image.name}',
        demonstration=demonstration,
        image=still,
        camera=camera,
        outline=None,
        scale=(given.shape[1] / shrunk.shape[1], given.shape[0] / shrunk.shape[0]),
    )


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
    return np.asarray(
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


def _moved(
    image: NDArray[np.uint8], matrices: Iterator[NDArray[np.float64]]
) -> Iterator[NDArray[np.uint8]]:
    """Yield an image transformed by each matrix."""
    size = (image.shape[1], image.shape[0])
    for matrix in matrices:
        moved: Any = cv2.warpPerspective(
            image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        yield moved
