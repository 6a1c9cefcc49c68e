# SPDX-License-Identifier: Apache-2.0
"""Inverse depth in round windows around pixels, in the units for fitting planes.

The pixels of a window are sorted by their distance from the middle, so that a smaller window is a
prefix of a larger one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.depth_image import DepthImage

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


# Pixels around the peak, and the minimum share of them with depth.
_HOLE_RADIUS = 2.5
_LEAST_VALID = 2 / 3
# Metres by which the depths of two pixels may differ because of resolution (16UC1 has
# millimetres).
_RESOLUTION = 0.0003
# Pixels to each side whose noise is measured, and the ratio to the configured noise above which
# the measured noise is used.
_ROUGH_REACH = 8
_CLEAR_EXCESS = 1.2
# Distance in pixels of two pixels whose difference gives the slope.
_SPAN = 4
# Share of the depth; pixels that differ from the peak by more belong to another surface.
_LARGEST_RISE = 0.25

_SIDE = np.arange(-REACH, REACH + 1)


@dataclass(frozen=True)
class Neighbourhoods:
    """Inverse depth around each of P peaks; S is 2 * REACH + 1.

    Attributes:
        values: float32 [P, S, S], (inverse depth / `inverse` - 1) / `noise`, 0 where not valid.
        valid: bool [P, S, S].
        peaks: float64 [P, 2], (u, v) from the pixel in the middle, within half a pixel.
        inverse: float64 [P], inverse depth at the peak, 1 / metres.
        noise: float64 [P], standard deviation of one pixel as a share of its depth.
    """

    values: FloatArray
    valid: Mask
    peaks: NDArray[np.float64]
    inverse: NDArray[np.float64]
    noise: NDArray[np.float64]

    def of(self, rows: Mask) -> Neighbourhoods:
        """Return the neighbourhoods of some of the peaks, bool [P]."""
        if rows.all():
            return self
        return Neighbourhoods(
            self.values[rows],
            self.valid[rows],
            self.peaks[rows],
            self.inverse[rows],
            self.noise[rows],
        )

    def seen_by(self, inside: Mask) -> tuple[FloatArray, Mask]:
        """Return values and validity of the first N pixels of the largest window, both [P, N].

        Args:
            inside: bool [P, N], the pixels of the window of each peak; others are not valid.
        """
        u, v = OFFSETS[: inside.shape[1]].T + REACH
        return self.values[:, v, u], self.valid[:, v, u] & inside

    def near(self, radius: float) -> Mask:
        """Find the NEAREST pixels within a radius of each peak, bool [P, NEAREST].

        Args:
            radius: pixels, at most 3.
        """
        return _near(self.peaks, radius)

    def radii(self, length: float, focal_length: float) -> NDArray[np.float64]:
        """Convert a length in metres at each peak's depth to pixels, float64 [P]."""
        return length * focal_length * self.inverse

    def millimetres(self, row: int, value: float) -> float:
        """Convert a difference of values at a peak to millimetres of depth."""
        return float(1000 * value * self.noise[row] / self.inverse[row])

    def slopes(self, radii: NDArray[np.int64]) -> NDArray[np.float64]:
        """Estimate the change per pixel along u and v within radii [P], despite steps.

        Returns:
            float64 [P, 2], values per pixel.
        """
        reach = int(radii.max(initial=_SPAN))
        square = np.s_[:, REACH - reach : REACH + reach + 1, REACH - reach : REACH + reach + 1]
        near = np.abs(_SIDE[square[1]]) <= radii[:, None]
        values = self.values[square]
        rise = (4 + _LARGEST_RISE / self.noise).astype(np.float32)
        valid = self.valid[square] & (np.abs(values) <= rise[:, None, None])
        valid &= near[:, :, None] & near[:, None]
        values, valid = _both_ways(values, valid)
        differences = values[:, :, _SPAN:] - values[:, :, :-_SPAN]
        both = valid[:, :, _SPAN:] & valid[:, :, :-_SPAN]
        slopes = _medians_of_many(differences, both, 8) / _SPAN
        return np.asarray(slopes.reshape(2, -1).T)


def search_nearby(
    depth: DepthImage,
    positions: NDArray[np.float64],
    bounds: tuple[float, float],
    noise: float,
) -> tuple[Neighbourhoods, list[str]]:
    """Read the inverse depth around positions in a depth image.

    Args:
        depth: the depth image.
        positions: float64 [P, 2], (u, v) within the depth image, pixels.
        bounds: nearest and farthest depth, metres; others are holes.
        noise: standard deviation of one pixel as a share of its depth; the measured noise is used
            instead if it is clearly higher.

    Returns:
        the neighbourhoods of the positions that show a surface; and for each position '', or the
        reason why it shows none (a hole, or many holes next to it).
    """
    pixels = np.floor(positions + 0.5).astype(int)
    crops, inside = _crops(depth, pixels)
    nearest, farthest = bounds
    valid = (crops >= nearest) & (crops <= farthest) & inside
    peaks = positions - pixels
    u, v = OFFSETS[:NEAREST].T + REACH
    near = _near(peaks, _HOLE_RADIUS) & inside[:, v, u]
    known = near & valid[:, v, u]
    counts, expected = known.sum(axis=1), near.sum(axis=1)
    problems = [
        _problem(depth_there, bounds, count / all_of_them)
        for depth_there, count, all_of_them in zip(
            crops[:, REACH, REACH].tolist(), counts, expected, strict=True
        )
    ]
    rows = np.array([not problem for problem in problems], bool)
    crops, valid = crops[rows], valid[rows]
    inverse = 1 / medians(crops[:, v, u], known[rows])
    noises = np.hypot(noise, _RESOLUTION * inverse)
    scaled = np.divide(1, crops, out=np.zeros_like(crops), where=valid)
    scaled = (scaled / inverse[:, None, None] - 1) / noises[:, None, None]
    values = np.where(valid, scaled, 0).astype(np.float32)
    excess = _roughness(values, valid)
    excess[excess <= _CLEAR_EXCESS] = 1
    values /= excess[:, None, None].astype(np.float32)
    return Neighbourhoods(values, valid, peaks[rows], inverse, noises * excess), problems


def _crops(depth: DepthImage, pixels: NDArray[np.int64]) -> tuple[FloatArray, Mask]:
    """Return depth around pixels (u, v), float32 [P, S, S], and where it lies inside the image."""
    columns, rows = pixels[:, :1] + _SIDE, pixels[:, 1:] + _SIDE
    height, width = depth.size
    rows_inside, columns_inside = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    inside = rows_inside[:, :, None] & columns_inside[:, None]
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    return depth.at((rows * width)[:, :, None] + columns[:, None]), inside


def _near(peaks: NDArray[np.float64], radius: float) -> Mask:
    u, v = OFFSETS[:NEAREST].T
    return np.asarray((u - peaks[:, :1]) ** 2 + (v - peaks[:, 1:]) ** 2 <= radius * radius)


def _problem(depth: float, bounds: tuple[float, float], known_share: float) -> str:
    nearest, farthest = bounds
    if not 0 < depth < np.inf:
        return 'the depth image has a hole at the peak'
    if not nearest <= depth <= farthest:
        return (
            f'the depth at the peak, {depth:.2f} m, is outside the range from {nearest:g} to '
            f'{farthest:g} m'
        )
    if known_share < _LEAST_VALID:
        return f'{100 * (1 - known_share):.0f} % of the depth image around the peak are holes'
    return ''


def _roughness(values: FloatArray, valid: Mask) -> NDArray[np.float64]:
    """Estimate the noise [P] near the middle, without the effect of slopes and edges.

    Edges run along rows or columns, so the smoother direction is used.
    """
    near = slice(REACH - _ROUGH_REACH, REACH + _ROUGH_REACH + 1)
    values, valid = _both_ways(values[:, near, near], valid[:, near, near])
    bends = values[:, :, 2:] - 2 * values[:, :, 1:-1] + values[:, :, :-2]
    whole = valid[:, :, 2:] & valid[:, :, 1:-1] & valid[:, :, :-2]
    # for normal noise, the median magnitude is 0.6745 standard deviations, and second differences
    # vary sqrt(6) times more
    deviations = _medians_of_many(np.abs(bends), whole, 50) / 1.652
    return np.asarray(deviations.reshape(2, -1).min(axis=0))


def _both_ways(values: FloatArray, valid: Mask) -> tuple[FloatArray, Mask]:
    """Append to squares [P, S, S] their transposes: [2 P, S, S]."""
    return (
        np.concatenate([values, values.swapaxes(1, 2)]),
        np.concatenate([valid, valid.swapaxes(1, 2)]),
    )


def _medians_of_many(values: FloatArray, counted: Mask, few: int) -> NDArray[np.float64]:
    """Compute medians of the counted values [P, H, W]; 0 if at most `few` are counted."""
    count, rows, columns = values.shape
    counted = counted.reshape(count, rows * columns)
    many = counted.sum(axis=1) > few
    found = medians(values.reshape(counted.shape), counted)
    return np.where(many, found, 0.0)
