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

from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import VideoReader, read_video, write_video
from afformer_sim.demo_scenes.scene import (
    CAMERA_RATE,
    DemoScene,
    moving_camera,
    resting_first,
)

_LONGEST_SIDE = 640


def given_scene(folder: Path, video: Path, image: Path) -> DemoScene:
    """Create a scene from a video and an image; the camera moves over the image and back.

    Raises:
        VideoError: the video cannot be read.
        ImageError: the image cannot be read.
    """
    with VideoReader(video) as reader:
        next(iter(reader))
    shrunk = _shrunk(read_image(image))
    still, camera = folder / 'camera_image.png', folder / 'camera.mp4'
    write_image(still, shrunk)
    moved = _moved(shrunk, moving_camera(shrunk.shape[1::-1]))
    write_video(camera, resting_first(moved), CAMERA_RATE)
    name = re.sub(r'[^A-Za-z0-9_.-]', '_', video.stem).lstrip('.')[:64] or 'demonstration'
    return DemoScene(
        name=name,
        title=f'{video.name} in {image.name}',
        demonstration=video.resolve(),
        image=still,
        camera=camera,
        outline=None,
    )


def demonstration_frames(path: Path, count: int) -> list[NDArray[np.uint8]]:
    """Read a maximum number of evenly spaced frames of a video, uint8 RGB [H, W, 3] each."""
    return list(read_video(path, count))


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
