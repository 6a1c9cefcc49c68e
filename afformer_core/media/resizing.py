# SPDX-License-Identifier: Apache-2.0
"""Resizing of images to the model's input."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.errors import ImageError


def resize_to_input(image: NDArray[Any], size: tuple[int, int]) -> UInt8Array:
    """Resize an RGB image to the model's input, each axis by its own scale.

    Args:
        image: uint8 RGB [H, W, 3].
        size: (height, width) of the model's input.

    Returns:
        uint8 RGB [height, width, 3], contiguous.

    Raises:
        ImageError: the image is not uint8, has not three channels, or no pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            f'the image is {image.dtype} of shape {image.shape}; '
            'expected uint8 RGB of shape [height, width, 3]'
        )
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise ImageError(f'the image has shape {image.shape}; expected at least one pixel')
    if image.shape[:2] == size:
        return np.ascontiguousarray(image)
    height, width = size
    image = np.ascontiguousarray(image)
    # Halving first takes half of the time at 640x480, a sixth at 1920x1080.
    while _can_be_halved(image.shape[0], height) and _can_be_halved(image.shape[1], width):
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    shrinks = image.shape[0] > height or image.shape[1] > width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, (width, height), interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8)


def _can_be_halved(length: int, wanted: int) -> bool:
    return length % 2 == 0 and length // 2 >= wanted
