# SPDX-License-Identifier: Apache-2.0
"""Grips of a hand on an element, in the element's own frame.

That frame has z towards the hand and y in the direction of the fingers. Lengths are metres.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fingertip:
    """One fingertip, or two side by side, on a front at the height `level`.

    Attributes:
        half_width, half_height: half extents of the area that may be touched, along x and y.
        level: position of the front along z.
        x, y: middle of the front.
    """

    half_width: float
    half_height: float
    level: float
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Pinch:
    """Thumb and fingers around a round part that stands along z at the frame's origin.

    Attributes:
        radius: radius of the part where the fingers touch it.
        level: height of the fingers along z.
        top: height of the part along z.
    """

    radius: float
    level: float
    top: float


@dataclass(frozen=True)
class Hook:
    """Fingers around a bar through (0, 0, `level`).

    Attributes:
        length, radius: size of the bar.
        level: height of the bar's axis along z.
        vertical: True if the bar runs along y, False if along x.
    """

    length: float
    radius: float
    level: float
    vertical: bool


Grip = Fingertip | Pinch | Hook
