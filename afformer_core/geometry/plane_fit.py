# SPDX-License-Identifier: Apache-2.0
"""A plane through the inverse depth in a round window of pixels, and the steps that limit it.

The pixels of a window are sorted by their distance from the middle, so that a smaller window is a
prefix of a larger one. The fitted values are in standard deviations of their noise: a plane's
inverse depth is exactly affine in the pixel, so its values are 1, u and v times three
coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import DepthImage

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


OFFSETS = _disc()
"""int64 [N, 2], (u, v) of each pixel of the largest window from the middle."""

DIRECTIONS = np.repeat(np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), 2 * _OFFSETS, axis=0)
"""float64 [K, 2], unit vector across each step of a window."""

STEPS = len(DIRECTIONS)

NEAREST = int((np.hypot(*OFFSETS.T) <= 3 + 0.5 * math.sqrt(2)).sum())
"""Largest number of pixels within 3 pixels of a peak that is half a pixel off the middle."""

_X, _Y = OFFSETS.T / REACH
DESIGN = np.stack([_X**0, _X, _Y, _X * _X, _X * _Y, _Y * _Y], axis=1).astype(np.float32)
"""float32 [N, 6], 1, both offsets as shares of REACH, and the second powers of the latter two."""

_SIDE = np.arange(-REACH, REACH + 1)
# Index of each of OFFSETS in a square of pixels.
_IN_SQUARE = np.ravel_multi_index(tuple(OFFSETS.T[::-1] + REACH), (len(_SIDE), len(_SIDE)))


class NoSurfaceError(Exception):
    """Raised if a peak shows no surface; the message is the reason."""


@dataclass(frozen=True, eq=False)
class PixelDisc:
    """A disc of pixels, and the steps that may run through it; K is STEPS.

    Attributes:
        radius: its radius, pixels.
        count: N, the number of its pixels, the first of OFFSETS.
        basis: float32 [3 + K, N], the first three columns of the design, and the steps: -1 on one
            side and 1 on the other.
        positions: float64 [K], position of each step along its one of the DIRECTIONS, pixels from
            the middle; infinite for steps that do not exist.
    """

    radius: int
    count: int
    basis: FloatArray
    positions: NDArray[np.float64]


@cache
def disc_window(radius: int) -> PixelDisc:
    """Return the window of a radius, 3 to REACH pixels."""
    squares = (OFFSETS * OFFSETS).sum(axis=1)
    count = int(np.searchsorted(squares, (radius + 0.3) ** 2, side='right'))
    positions = np.arange(0.5, radius - 0.5, max(1.0, radius / _OFFSETS))
    positions = np.concatenate([-positions[::-1], positions])
    positions = np.pad(positions, (0, 2 * _OFFSETS - len(positions)), constant_values=np.inf)
    positions = np.tile(positions, len(_ANGLES))
    beyond = positions[:, None] < DIRECTIONS @ OFFSETS[:count].T
    sides = np.where(beyond, np.float32(1), np.float32(-1))
    sides[np.isinf(positions)] = 0
    return PixelDisc(radius, count, np.concatenate([DESIGN[:count, :3].T, sides]), positions)


def beside(window: PixelDisc, step: int) -> Mask:
    """Find the pixels of the largest window on the middle's side of a step, bool [N]."""
    position = window.positions[step]
    return np.asarray((OFFSETS @ DIRECTIONS[step] > position) == (position < 0))


def normal_equations(
    values: FloatArray, pixels: Mask, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the normal equations of a least-squares fit.

    Args:
        values: float32 [N]; finite.
        pixels: bool [N], True for the pixels that count.
        size: number of columns of the design, 3 or 6.

    Returns:
        moments of the design, float64 [size, size], and its sums with the values [size].
    """
    design = DESIGN[: len(values), :size]
    counted = design * pixels[:, None]
    return (counted.T @ design).astype(np.float64), (values @ counted).astype(np.float64)


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


def median(values: NDArray[np.floating[Any]]) -> float:
    """Compute the median of some values."""
    ordered = np.sort(values, axis=None)
    return (float(ordered[(len(ordered) - 1) // 2]) + float(ordered[len(ordered) // 2])) / 2


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


@dataclass(frozen=True)
class Neighbourhood:
    """Inverse depth around a peak; S is 2 * REACH + 1.

    Attributes:
        values: float32 [S, S], (inverse depth / `inverse` - 1) / `noise`, 0 where not valid.
        valid: bool [S, S].
        peak: float64 [2], (u, v) from the pixel in the middle, within half a pixel.
        inverse: inverse depth at the peak, 1 / metres.
        noise: standard deviation of one pixel as a share of its depth.
    """

    values: FloatArray
    valid: Mask
    peak: NDArray[np.float64]
    inverse: float
    noise: float

    def seen_by(self, window: PixelDisc) -> tuple[FloatArray, Mask]:
        """Return values and validity of the N pixels of a window, both [N]."""
        pixels = _IN_SQUARE[: window.count]
        return self.values.ravel()[pixels], self.valid.ravel()[pixels]

    def near(self, radius: float) -> Mask:
        """Find the NEAREST pixels within a radius of at most 3 pixels, bool [NEAREST]."""
        return _near(self.peak, radius)

    def millimetres(self, value: float) -> float:
        """Convert a difference of values at the peak to millimetres of depth."""
        return 1000 * value * self.noise / self.inverse

    def slopes(self, radius: int) -> NDArray[np.float64]:
        """Estimate the change per pixel along u and v within a radius, [2], despite steps."""
        square = slice(REACH - radius, REACH + radius + 1)
        values, valid = self.values[square, square], self.valid[square, square]
        valid = valid & (np.abs(values) <= 4 + _LARGEST_RISE / self.noise)
        slopes = []
        for along, known in ((values, valid), (values.T, valid.T)):
            both = known[:, _SPAN:] & known[:, :-_SPAN]
            slopes.append(_median_of_many((along[:, _SPAN:] - along[:, :-_SPAN])[both], 8))
        return np.array(slopes) / _SPAN


def search_nearby(
    depth: DepthImage, position: NDArray[np.float64], bounds: tuple[float, float], noise: float
) -> Neighbourhood:
    """Read the inverse depth around a position in a depth image.

    Args:
        depth: the depth image.
        position: float64 [2], (u, v) within the depth image, pixels.
        bounds: nearest and farthest depth, metres; others are holes.
        noise: standard deviation of one pixel as a share of its depth; the measured noise is used
            instead if it is clearly higher.

    Raises:
        NoSurfaceError: there is a hole at the position, or many holes next to it.
    """
    pixel = np.floor(position + 0.5).astype(int)
    peak = position - pixel
    (columns, rows), (height, width) = pixel[:, None] + _SIDE, depth.size
    inside = (rows >= 0) & (rows < height)
    inside = inside[:, None] & ((columns >= 0) & (columns < width))
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    depths = depth.at((rows * width)[:, None] + columns)
    nearest, farthest = bounds
    valid = (depths >= nearest) & (depths <= farthest) & inside
    pixels = _IN_SQUARE[:NEAREST]
    near = _near(peak, _HOLE_RADIUS) & inside.ravel()[pixels]
    known = near & valid.ravel()[pixels]
    _check_depth(float(depths[REACH, REACH]), bounds, known.sum() / near.sum())
    inverse = 1 / median(depths.ravel()[pixels][known])
    noise = math.hypot(noise, _RESOLUTION * inverse)
    scaled = np.divide(1, depths, out=np.zeros_like(depths), where=valid)
    values = np.where(valid, (scaled / inverse - 1) / noise, 0).astype(np.float32)
    excess = _roughness(values, valid)
    if excess > _CLEAR_EXCESS:
        values, noise = values / np.float32(excess), noise * excess
    return Neighbourhood(values, valid, peak, inverse, noise)


def _near(peak: NDArray[np.float64], radius: float) -> Mask:
    u, v = OFFSETS[:NEAREST].T
    return np.asarray((u - peak[0]) ** 2 + (v - peak[1]) ** 2 <= radius * radius)


def _check_depth(depth: float, bounds: tuple[float, float], known_share: float) -> None:
    nearest, farthest = bounds
    if not 0 < depth < np.inf:
        raise NoSurfaceError('the depth image has a hole at the peak')
    if not nearest <= depth <= farthest:
        raise NoSurfaceError(
            f'the depth at the peak, {depth:.2f} m, is outside the range from {nearest:g} to '
            f'{farthest:g} m'
        )
    if known_share < _LEAST_VALID:
        raise NoSurfaceError(
            f'{100 * (1 - known_share):.0f} % of the depth image around the peak are holes'
        )


def _roughness(values: FloatArray, valid: Mask) -> float:
    """Estimate the noise near the middle, without the effect of slopes and edges.

    Edges run along rows or columns, so the smoother direction is used.
    """
    near = slice(REACH - _ROUGH_REACH, REACH + _ROUGH_REACH + 1)
    values, valid = values[near, near], valid[near, near]
    deviations = []
    for along, known in ((values, valid), (values.T, valid.T)):
        bends = along[:, 2:] - 2 * along[:, 1:-1] + along[:, :-2]
        whole = known[:, 2:] & known[:, 1:-1] & known[:, :-2]
        # for normal noise, the median magnitude is 0.6745 standard deviations, and second
        # differences vary sqrt(6) times more
        deviations.append(_median_of_many(np.abs(bends)[whole], 50) / 1.652)
    return min(deviations)


def _median_of_many(values: FloatArray, few: int) -> float:
    """Compute the median of values; 0 if there are at most `few`."""
    return median(values) if len(values) > few else 0.0


# Standard deviations. Pure noise reaches this in 1 of 200 windows with a hundred steps each.
_LEAST_SIGNIFICANCE = 4.0
# The position of a step is uncertain among steps whose reduction of the squared residuals is
# within this of the best one (3 standard deviations), and which are within this many pixels.
_STEP_DOUBT = 9.0
_STEP_REACH = 1.5
_LEAST_SIDE = 5
# Standard deviations; a pixel beyond this is an outlier, whose distance does not matter.
_LARGEST_VALUE = 10.0
_LARGEST_RESIDUAL = 3.5
# Standard deviations by which the squared residuals may exceed those of pure noise.
_LARGEST_EXCESS = 1.5
# Keeps coefficients at 0 if too few pixels determine them.
_RIDGE = 1e-3 * np.eye(6)
_LEAST_PIXELS = 12
_MOST_CUTS = 10


@dataclass(frozen=True)
class PlaneFit:
    """A plane through the pixels of one surface; the tangent plane of a curved one.

    Attributes:
        pixels: bool [N], the window's pixels on the surface.
        coefficients: float64 [3], of the first columns of the design.
        covariance: float64 [3, 3], of the coefficients.
        beside: bool [M], pixels of the largest window on the same side of all steps that end the
            surface.
    """

    pixels: Mask
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    beside: Mask


@dataclass(frozen=True)
class FoundStep:
    """The step that reduces the squared residuals of a window most.

    Attributes:
        index: index of the step in the window.
        distance: pixels from the peak.
        height: distance of the planes on its sides, standard deviations of one pixel.
        at_peak: True if it lies at the peak, or near it while a step almost as strong lies at it.
        squares: squared residuals of the two planes.
    """

    index: int
    distance: float
    height: float
    at_peak: bool
    squares: float


def fit_surface(
    window: PixelDisc,
    values: FloatArray,
    valid: Mask,
    peak: NDArray[np.float64],
    least_step: float,
    least_distance: float,
) -> PlaneFit | FoundStep | None:
    """Fit a plane to the surface at the middle of a window.

    The strongest step and everything beyond it is cut off, until no step is left or a curved
    surface explains the rest.

    Args:
        window: the window.
        values: float32 [N] of its pixels; finite.
        valid: bool [N].
        peak: float64 [2], (u, v) from the window's middle, pixels, within half a pixel.
        least_step: standard deviations of one pixel; smaller steps are ignored.
        least_distance: pixels; a step closer to the peak is not cut off but returned.

    Returns:
        the plane; the step at the peak if it is the reason why there is none; or None if too few
        pixels are left.
    """
    bounded = np.where(valid, values.clip(-_LARGEST_VALUE, _LARGEST_VALUE), np.float32(0))
    columns = np.concatenate([DESIGN[: window.count, :3], bounded[:, None]], axis=1)
    pixels, kept, size = valid.copy(), np.ones(len(OFFSETS), bool), 3
    for _ in range(_MOST_CUTS):
        if np.count_nonzero(pixels) < _LEAST_PIXELS:
            break
        step = _strongest_step(window, columns, pixels, peak, least_step, least_distance)
        if step is None:
            break
        if _is_curved(bounded, pixels, step):
            size = 6
            break
        if step.at_peak:
            return step
        kept &= beside(window, step.index)
        pixels &= kept[: window.count]
    # pixels beyond would affect even the first fit
    pixels &= np.abs(values) <= _LARGEST_VALUE
    if (first := _least_squares(values, pixels, size)) is None:
        return None
    residuals = values - DESIGN[: window.count, :size] @ first[0].astype(np.float32)
    pixels &= np.abs(residuals) <= _LARGEST_RESIDUAL
    if (second := _least_squares(values, pixels, size)) is None:
        return None
    return PlaneFit(pixels, second[0][:3], second[1][:3, :3], kept)


def _is_curved(values: FloatArray, pixels: Mask, step: FoundStep) -> bool:
    """Check whether a curved surface fits, and fits better than two planes with a step."""
    moments, sums = normal_equations(values, pixels, 6)
    count = float(moments[0, 0])
    _, solved = cv2.solve(moments + _RIDGE, sums)
    residuals = values - DESIGN[: len(values)] @ solved[:, 0].astype(np.float32)
    residuals *= pixels
    largest: float = count + _LARGEST_EXCESS * (2 * count) ** 0.5
    return float(residuals @ residuals) <= min(step.squares, largest)


def _least_squares(
    values: FloatArray, pixels: Mask, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Compute coefficients [size] and their covariance; None if there are too few pixels."""
    moments, sums = normal_equations(values, pixels, size)
    covariance = inverse(moments)
    if covariance is None or moments[0, 0] < _LEAST_PIXELS:
        return None
    return covariance @ sums, covariance


def _strongest_step(
    window: PixelDisc,
    columns: FloatArray,
    pixels: Mask,
    peak: NDArray[np.float64],
    least_height: float,
    least_distance: float,
) -> FoundStep | None:
    """Find the strongest significant step among the remaining pixels; None if there is none.

    Args:
        window: the window.
        columns: float32 [N, 4], the first columns of the design, and the values.
        pixels: bool [N], the remaining pixels.
        peak: float64 [2], (u, v) from the window's middle, pixels.
        least_height: height below which steps are ignored, in standard deviations of one pixel.
        least_distance: distance below which steps count as lying at the peak, in pixels.
    """
    columns = columns * pixels[:, None]
    sums = (window.basis @ columns).astype(np.float64)
    moments, sides = sums[:3], sums[3:]
    inverted = inverse(moments[:, :3])
    if inverted is None:
        return None
    count = moments[0, 0]
    along = sides[:, :3] @ inverted
    information = np.maximum(count - np.einsum('ki,ki->k', along, sides[:, :3]), 1e-3)
    excess = sides[:, 3] - along @ moments[:, 3]
    reductions = excess * excess / information
    usable = reductions >= _LEAST_SIGNIFICANCE**2
    if not usable.any():
        return None
    heights = 2 * np.abs(excess) / information
    usable &= (heights >= least_height) & (information >= 1)
    usable &= np.abs(sides[:, 0]) <= count - 2 * _LEAST_SIDE
    reductions = np.where(usable, reductions, 0)
    index = int(reductions.argmax())
    best = float(reductions[index])
    if not best:
        return None
    distances = np.abs(window.positions - DIRECTIONS @ peak)
    near = float(reductions[distances < least_distance].max(initial=0))
    distance = float(distances[index])
    doubtful = near >= max(best - _STEP_DOUBT, _LEAST_SIGNIFICANCE**2)
    values = columns[:, 3]
    flat = moments[:, 3] @ inverted @ moments[:, 3]
    return FoundStep(
        index,
        distance,
        float(heights[index]),
        distance < least_distance + (_STEP_REACH if doubtful else 0),
        float(values @ values) - float(flat) - best,
    )
