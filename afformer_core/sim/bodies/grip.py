# SPDX-License-Identifier: Apache-2.0
"""Grips of a hand on an element, in the element's own frame.

That frame has z towards the hand and y where the fingers point.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fingertip:
    """A fingertip, or two side by side, on a front at the height `level`.

    Attributes:
        half_width, half_height: of the front that may be touched, along x and y.
        level: of the front, along z.
        x, y: of its middle.
    """

    half_width: float
    half_height: float
    level: float
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Pinch:
    """Thumb and fingers around something round that stands along z in the frame's origin.

    Attributes:
        radius: where the fingers touch it.
        level: how high they do.
        top: how high it is.
    """

    radius: float
    level: float
    top: float


@dataclass(frozen=True)
class Hook:
    """Fingers around a bar through (0, 0, `level`).

    Attributes:
        length, radius: of the bar.
        level: how high its middle is.
        vertical: it runs along y rather than x.
    """

    length: float
    radius: float
    level: float
    vertical: bool


Grip = Fingertip | Pinch | Hook
