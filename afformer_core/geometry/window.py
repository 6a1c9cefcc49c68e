# SPDX-License-Identifier: Apache-2.0
"""Round windows of pixels around a peak, and the steps that may run through them.

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
_ANGLES = np.arange(8) * math.pi / 8
# Number of steps on each side of the middle in each direction; small windows have fewer.
_OFFSETS = 9


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

DIRECTIONS = np.repeat(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), 2 * _OFFSETS, axis=0)
"""float64 [K, 2], unit vector across each step of a window."""

STEPS = len(DIRECTIONS)

NEAREST = int((np.hypot(*OFFSETS.T) <= 3 + 0.5 * math.sqrt(2)).sum())
"""Largest number of pixels within 3 pixels of a peak that is half a pixel off the middle."""

DESIGN = _design()
"""float32 [N, 6], 1, both offsets as shares of REACH, and the second powers of the latter two."""


def pixel_count(radius: int) -> int:
    """Return the number of pixels of the window of a radius, 3 to REACH pixels."""
    squares = (OFFSETS * OFFSETS).sum(axis=1)
    return int(np.searchsorted(squares, (radius + 0.3) ** 2, side='right'))


@dataclass(frozen=True, eq=False)
class Window:
    """Disc of pixels and the steps that may run through it; K is STEPS.

    Attributes:
        count: N, the number of its pixels, the first of OFFSETS.
        basis: float32 [3 + K, N], the first three columns of the design, and the steps: -1 on
        one side and 1 on the other.
        places: float64 [K], position of each step along its one of the DIRECTIONS, pixels from the
        middle; infinite for steps that do not exist.
    """

    count: int
    basis: FloatArray
    places: NDArray[np.float64]


@cache
def disc_window(radius: int) -> Window:
    """Return the window of a radius, 3 to REACH pixels."""
    count = pixel_count(radius)
    places = np.arange(0.5, radius - 0.5, max(1.0, radius / _OFFSETS))
    places = np.concatenate([-places[::-1], places])
    places = np.pad(places, (0, 2 * _OFFSETS - len(places)), constant_values=np.inf)
    places = np.tile(places, len(_ANGLES))
    beyond = places[:, None] < DIRECTIONS @ OFFSETS[:count].T
    sides = np.where(beyond, np.float32(1), np.float32(-1))
    sides[np.isinf(places)] = 0
    return Window(count, np.concatenate([DESIGN[:count, :3].T, sides]), places)


def disc_windows(radii: NDArray[np.int64]) -> tuple[list[Window], Mask]:
    """Return the windows of radii [P], and the pixels of the largest in each, bool [P, N]."""
    windows = [disc_window(radius) for radius in radii.tolist()]
    counts = np.array([window.count for window in windows], int)
    return windows, np.arange(counts.max(initial=NEAREST)) < counts[:, None]


def beside(window: Window, step: int) -> Mask:
    """Find the pixels of the largest window on the middle's side of a step, bool [N]."""
    place = window.places[step]
    return np.asarray((OFFSETS @ DIRECTIONS[step] > place) == (place < 0))
