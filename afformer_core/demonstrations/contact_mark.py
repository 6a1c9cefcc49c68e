# SPDX-License-Identifier: Apache-2.0
"""The mark of a contact in the first frame of a demonstration, as a pixel and as shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import DemonstrationError
from afformer_core.media.polygons import Point


@dataclass(frozen=True)
class FirstFrame:
    """First frame of a demonstration that the model uses, as it was recorded.

    Attributes:
        name: name of the demonstration.
        image: uint8 RGB [H, W, 3].
        jpeg: the same as a JPEG file.
        nanoseconds: its time.
        mark: (x, y) of the pixel at which its contact is marked; None: the model finds it.
    """

    name: str
    image: NDArray[np.uint8]
    jpeg: bytes
    nanoseconds: int
    mark: Point | None

    def __str__(self) -> str:
        """Say in words whether its contact is marked."""
        if self.mark is None:
            return f'{self.name!r} has no mark; the model finds its contact'
        x, y = self.mark
        return f'the contact of {self.name!r} is marked at {x:g},{y:g}'


def contact_position(pixel: Point, frame: NDArray[np.uint8]) -> Point:
    """Return a pixel of a demonstration's first frame as `EncodedFrames.contact` expects it.

    Args:
        pixel: (x, y); the first pixel's centre is (0, 0).
        frame: uint8 RGB [H, W, 3].

    Raises:
        DemonstrationError: it lies outside.
    """
    (x, y), (height, width) = pixel, frame.shape[:2]
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise DemonstrationError(
            f'the contact is marked at {x:g},{y:g}; expected a pixel of the first frame, which '
            f'has {width}x{height}'
        )
    return (x + 0.5) / width, (y + 0.5) / height


def contact_pixel(position: Point, frame: NDArray[np.uint8]) -> Point:
    """Return the pixel of a demonstration's first frame, the inverse of `contact_position`.

    Args:
        position: (x, y) as shares of width and height, 0 to 1.
        frame: uint8 RGB [H, W, 3].

    Returns:
        (x, y), to a thousandth of a pixel.
    """
    height, width = frame.shape[:2]
    return round(position[0] * width - 0.5, 3), round(position[1] * height - 0.5, 3)
