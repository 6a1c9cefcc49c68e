# SPDX-License-Identifier: Apache-2.0
"""Small frames of a demonstration, from which its contact is read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.errors import DemonstrationError

# Pixels of the longer side.
SIDE = 320


@dataclass(frozen=True)
class SmallVideo:
    """Frames of a demonstration in order, about 15 per second, with their times.

    Attributes:
        images: uint8 RGB [T, h, w, 3], T at least 1; the longer side has at most 320 pixels.
        times: float64 [T] seconds, increasing.

    Raises:
        DemonstrationError: the images or the times have another type or shape.
    """

    images: UInt8Array
    times: NDArray[np.float64]

    def __post_init__(self) -> None:
        images, times = self.images, self.times
        if images.ndim != 4 or not len(images):
            raise DemonstrationError(
                f'the frames are {list(images.shape)}; expected [T, h, w, 3], at least one'
            )
        check_image(images[0])
        if times.shape != (len(images),) or not np.isfinite(times).all():
            raise DemonstrationError(
                f'the times are {list(times.shape)}; expected {len(images)} finite ones'
            )
        if (np.diff(times) <= 0).any():
            raise DemonstrationError(
                'the times do not increase; expected those of successive frames'
            )


def check_image(image: UInt8Array) -> None:
    """Check that an image can be one of the small frames.

    Raises:
        DemonstrationError: it is not uint8 [h, w, 3], or it is too large.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise DemonstrationError(
            f'a frame is {image.dtype} {list(image.shape)}; expected uint8 [h, w, 3]'
        )
    if max(image.shape) > SIDE:
        raise DemonstrationError(
            f'a frame has {image.shape[1]}x{image.shape[0]} pixels; expected at most {SIDE} on '
            'the longer side. Shrink it with small_image'
        )


def small_image(image: UInt8Array) -> UInt8Array:
    """Shrink an image [H, W, 3] to at most 320 pixels on the longer side."""
    scale = SIDE / max(image.shape)
    if scale >= 1:
        return image
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)
