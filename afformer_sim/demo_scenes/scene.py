# SPDX-License-Identifier: Apache-2.0
"""A scene of the demo: a demonstration, a camera image, and a camera that moves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CAMERA_RATE = 10.0
CAMERA_FRAMES = 15
# Frames of a camera that rests before it moves.
_RESTING_FRAMES = 4


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
    outline: NDArray[np.float64] | None
    action: str | None = None
    scale: tuple[float, float] = (1.0, 1.0)


def resting_first(images: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a moving camera; the first one is repeated while the camera rests."""
    for number, image in enumerate(images):
        yield from itertools.repeat(image, 1 if number else _RESTING_FRAMES)


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
        centre = (
            width * (0.5 + 0.8 * room * math.sin(angle)),
            height * (0.5 + 0.8 * room * math.sin(2 * angle)),
        )
        matrix = np.eye(3)
        matrix[:2] = cv2.getRotationMatrix2D(centre, 2 * math.sin(angle), zoom)
        matrix[:2, 2] += np.array([width / 2, height / 2]) - centre
        yield matrix
