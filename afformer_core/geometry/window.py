# SPDX-License-Identifier: Apache-2.0
"""Round windows of pixels around a peak: steps through them, least squares, and medians.

The pixels are sorted by their distance from the middle, so that a smaller window is a prefix of a
larger one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Pixels from the middle to each side of the largest window.
REACH = 16
_ANGLES = np.arange(8) * math.pi / 8
# Number of steps on each side of the middle in each direction; small windows have fewer.
_OFFSETS = 9
_LARGEST_INFLATION = 1e4


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

_PRODUCTS = {
    size: (DESIGN[:, :size, None] * DESIGN[:, None, :size]).reshape(len(DESIGN), -1)
    for size in (3, 6)
}


def pixel_count(radius: int) -> int:
    """Return the number of pixels of the window of a radius, 3 to REACH pixels."""
    squares = (OFFSETS * OFFSETS).sum(axis=1)
    return int(np.searchsorted(squares, (radius + 0.3) ** 2, side='right'))


@dataclass(frozen=True, eq=False)
class PixelDisc:
    """A disc of pixels, and the steps that may run through it; K is STEPS.

    Attributes:
        count: N, the number of its pixels, the first of OFFSETS.
        basis: float32 [3 + K, N], the first three columns of the design, and the steps: -1 on one
            side and 1 on the other.
        positions: float64 [K], position of each step along its one of the DIRECTIONS, pixels from
            the middle; infinite for steps that do not exist.
    """

    count: int
    basis: FloatArray
    positions: NDArray[np.float64]


@cache
def disc_window(radius: int) -> PixelDisc:
    """Return the window of a radius, 3 to REACH pixels."""
    count = pixel_count(radius)
    positions = np.arange(0.5, radius - 0.5, max(1.0, radius / _OFFSETS))
    positions = np.concatenate([-positions[::-1], positions])
    positions = np.pad(positions, (0, 2 * _OFFSETS - len(positions)), constant_values=np.inf)
    positions = np.tile(positions, len(_ANGLES))
    beyond = positions[:, None] < DIRECTIONS @ OFFSETS[:count].T
    sides = np.where(beyond, np.float32(1), np.float32(-1))
    sides[np.isinf(positions)] = 0
    return PixelDisc(count, np.concatenate([DESIGN[:count, :3].T, sides]), positions)


def disc_windows(radii: NDArray[np.int64]) -> tuple[list[PixelDisc], Mask]:
    """Return the windows of radii [P], and the pixels of the largest in each, bool [P, N]."""
    windows = [disc_window(radius) for radius in radii.tolist()]
    counts = np.array([window.count for window in windows], int)
    return windows, np.arange(counts.max(initial=NEAREST)) < counts[:, None]


def beside(window: PixelDisc, step: int) -> Mask:
    """Find the pixels of the largest window on the middle's side of a step, bool [N]."""
    position = window.positions[step]
    return np.asarray((OFFSETS @ DIRECTIONS[step] > position) == (position < 0))


def normal_equations(
    values: FloatArray, pixels: Mask, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the normal equations of a least-squares fit for each window.

    Args:
        values: float32 [P, N]; finite.
        pixels: bool [P, N], True for the pixels that count.
        size: number of columns of the design, 3 or 6.

    Returns:
        moments of the design, float64 [P, size, size], and its sums with the values [P, size].
    """
    count = values.shape[1]
    weights = pixels.astype(np.float32)
    moments = (weights @ _PRODUCTS[size][:count]).astype(np.float64)
    sums = (values * weights) @ DESIGN[:count, :size]
    return moments.reshape(-1, size, size), sums.astype(np.float64)


def inverse(moments: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Invert moments [S, S]; None if all pixels lie on a line or nearly so."""
    # ten times faster than NumPy's for such a small matrix
    regular, inverted = cv2.invert(moments)
    if not regular:
        return None
    # variance inflation: the increase of each coefficient's variance because of the others
    inflation = (inverted.diagonal() * moments.diagonal()).tolist()
    if not (min(inflation) > 0 and max(inflation) < _LARGEST_INFLATION):
        return None
    return np.asarray(inverted, np.float64)


def medians(values: NDArray[np.floating[Any]], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Compute the median of the values that count in each row.

    Args:
        values: [P, N]; those that count are finite.
        counted: bool [P, N], True for the values that count.

    Returns:
        float64 [P]; infinite for a row in which no value counts.
    """
    ordered = np.sort(np.where(counted, values, np.inf), axis=1)
    counts = counted.sum(axis=1)
    rows = np.arange(len(values))
    lower = ordered[rows, np.maximum(counts - 1, 0) // 2]
    upper = ordered[rows, np.minimum(counts // 2, values.shape[1] - 1)]
    return np.asarray(0.5 * (lower.astype(np.float64) + upper))
