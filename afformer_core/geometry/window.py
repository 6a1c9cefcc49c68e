# SPDX-License-Identifier: Apache-2.0
"""The round windows of pixels around a peak, and the steps that may run through them.

The pixels are sorted by their distance from the middle, so a smaller window is the beginning of a
larger one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Pixels from the middle to each side of the largest window.
REACH = 16
_DIRECTIONS = 8
_OFFSETS = 9
# Those of the windows with most of them; others have steps that no pixel lies beside.
STEPS = 2 * _DIRECTIONS * _OFFSETS


def _disc() -> NDArray[np.int64]:
    v, u = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].reshape(2, -1)
    squares = u * u + v * v
    order = np.argsort(squares, kind='stable')
    order = order[squares[order] <= (REACH + 0.3) ** 2]
    return np.stack([u[order], v[order]], axis=1)


def _design() -> FloatArray:
    x, y = OFFSETS.T / REACH
    return np.stack([np.ones(len(x)), x, y, x * x, x * y, y * y], axis=1).astype(np.float32)


OFFSETS = _disc()
"""int64 [N, 2], (u, v) of each pixel of the largest window from the middle."""

NEAREST = int((np.hypot(*OFFSETS.T) <= 3 + 0.5 * math.sqrt(2)).sum())
"""How many pixels can lie within 3 pixels of a peak that is within half a pixel of the middle."""

DESIGN = _design()
"""float32 [N, 6], 1, both offsets as shares of REACH, and the second powers of the latter two."""


def pixel_count(radius: int) -> int:
    """How many pixels the window of a radius has, in pixels, at least 3 and at most REACH."""
    squares = (OFFSETS * OFFSETS).sum(axis=1)
    return int(np.searchsorted(squares, (radius + 0.3) ** 2, side='right'))


@dataclass(frozen=True, eq=False)
class Window:
    """A disc of pixels and the steps that may run through it; K is STEPS.

    Attributes:
        count: N, its pixels, the first of OFFSETS.
        basis: float32 [3 + K, N], the first three columns of the design, and the steps: -1 on
            one side and 1 on the other.
        directions: float64 [K, 2], unit vector across each step.
        places: float64 [K], where each step crosses its direction, pixels from the middle;
            infinite for those that do not exist.
    """

    count: int
    basis: FloatArray
    directions: NDArray[np.float64]
    places: NDArray[np.float64]


@cache
def disc_window(radius: int) -> Window:
    """The window of a radius in pixels, at least 3 and at most REACH."""
    count = pixel_count(radius)
    offsets = OFFSETS[:count]
    angles = np.arange(_DIRECTIONS) * math.pi / _DIRECTIONS
    places = np.arange(0.5, radius - 0.5, max(1.0, radius / _OFFSETS))
    places = np.concatenate([-places[::-1], places])
    units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    directions = np.zeros((STEPS, 2))
    directions[: _DIRECTIONS * len(places)] = np.repeat(units, len(places), axis=0)
    places = np.tile(places, _DIRECTIONS)
    padding = (0, STEPS - len(places))
    places = np.pad(places, padding, constant_values=np.inf)
    beyond = directions @ offsets.T > places[:, None]
    sides = np.where(beyond, np.float32(1), np.float32(-1))
    sides[np.isinf(places)] = 0
    basis = np.concatenate([DESIGN[:count, :3].T, sides])
    return Window(count, np.ascontiguousarray(basis), directions, places)


def disc_windows(radii: NDArray[np.int64]) -> tuple[list[Window], Mask]:
    """The windows of radii [P], and which pixels of the largest lie in each, bool [P, N]."""
    windows = [disc_window(radius) for radius in radii.tolist()]
    counts = np.array([window.count for window in windows], int)
    return windows, np.arange(counts.max(initial=NEAREST)) < counts[:, None]


def beside(window: Window, step: int) -> Mask:
    """Which pixels of the largest window lie on the middle's side of a step, bool [N]."""
    place = window.places[step]
    return np.asarray((OFFSETS @ window.directions[step] > place) == (place < 0))
