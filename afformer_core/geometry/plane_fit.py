# SPDX-License-Identifier: Apache-2.0
"""Planes through a round window of pixels, and the steps that contradict them.

Values are what is fitted, in standard deviations of their noise: a plane's inverse depth is
exactly affine in the pixel, so its values are 1, u and v times three coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

# A hundred steps are tried, many of them alike; noise alone reaches this in 1 of 200 windows.
_LEAST_SIGNIFICANCE = 4.0
# Beyond this a value tells that its pixel lies elsewhere, but not by how much.
_LARGEST_VALUE = 10.0
_LARGEST_RESIDUAL = 3.5
# A step's place is taken for uncertain among those whose reduction of the squared residuals is the
# best one less this (3 standard deviations), and not farther away than this many pixels.
_PLACE_DOUBT = 9.0
_PLACE_REACH = 1.5
# Standard deviations by which squared residuals may exceed what noise alone leaves.
_LARGEST_EXCESS = 1.5
_LARGEST_INFLATION = 1e4
_DIRECTIONS = 8
_OFFSETS = 9
_LEAST_PIXELS = 12
_LEAST_SIDE = 5
_MOST_CUTS = 10


@dataclass(frozen=True)
class Window:
    """A disc of pixels and the steps that may run through it.

    Attributes:
        radius: pixels.
        offsets: int64 [N, 2], (u, v) of each pixel from the middle.
        design: float32 [N, 3], 1 and both offsets as shares of the radius.
        curvature: float32 [N, 3], the second powers of the latter two.
        steps: float32 [K, N], -1 on one side of the step and 1 on the other.
        directions: float64 [K, 2], unit vector across each step.
        places: float64 [K], where each step crosses its direction, pixels from the middle.
        middle: index of the middle's pixel.
    """

    radius: int
    offsets: NDArray[np.int64]
    design: FloatArray
    curvature: FloatArray
    steps: FloatArray
    directions: NDArray[np.float64]
    places: NDArray[np.float64]
    middle: int


@lru_cache(maxsize=64)
def disc_window(radius: int) -> Window:
    """The window of a radius in pixels, at least 3."""
    v, u = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    inside = u * u + v * v <= (radius + 0.3) ** 2
    offsets = np.stack([u[inside], v[inside]], axis=1)
    angles = np.arange(_DIRECTIONS) * math.pi / _DIRECTIONS
    spacing = max(1.0, radius / _OFFSETS)
    places = np.arange(0.5, radius - 0.5, spacing)
    places = np.concatenate([-places[::-1], places])
    directions = np.repeat(np.stack([np.cos(angles), np.sin(angles)], axis=1), len(places), axis=0)
    places = np.tile(places, _DIRECTIONS)
    beyond = directions @ offsets.T > places[:, None]
    x, y = offsets.T / radius
    return Window(
        radius=radius,
        offsets=offsets,
        design=np.stack([np.ones(len(x)), x, y], axis=1).astype(np.float32),
        curvature=np.stack([x * x, x * y, y * y], axis=1).astype(np.float32),
        steps=np.where(beyond, np.float32(1), np.float32(-1)),
        directions=directions,
        places=places,
        middle=int(np.flatnonzero(~offsets.any(axis=1))[0]),
    )


@dataclass(frozen=True)
class Step:
    """A step between two parallel planes that share a window.

    Attributes:
        place: pixels from the peak to the step, at least 0.
        height: how far apart the planes are, standard deviations of one pixel's noise.
    """

    place: float
    height: float


@dataclass(frozen=True)
class Plane:
    """A plane through the pixels of one surface; where that is curved, its tangent in the middle.

    Attributes:
        pixels: bool [N], the window's pixels on the surface.
        coefficients: float64 [3], of the window's design.
        covariance: float64 [3, 3], of the coefficients.
        cuts: float64 [C, 3], each the unit vector across a step that ends the surface, and where
            it crosses that direction, pixels from the middle.
    """

    pixels: Mask
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    cuts: NDArray[np.float64]


def fit_surface(
    window: Window,
    values: FloatArray,
    valid: Mask,
    peak: tuple[float, float],
    least_step: float,
    least_distance: float,
) -> Plane | Step | None:
    """The plane of the surface that a window's middle lies on.

    The strongest step is cut off, with all that lies beyond it, until no step is left or a curved
    surface explains what is left.

    Args:
        window: the pixels.
        values: float32 [N]; finite where valid.
        valid: bool [N].
        peak: (u, v) from the window's middle, pixels, within half a pixel.
        least_step: smaller steps are none, standard deviations of one pixel.
        least_distance: a step closer to the peak is not cut off but given back, pixels.

    Returns:
        the plane; or the step at the peak; None where too few pixels are left.
    """
    bounded = np.where(valid, np.clip(values, -_LARGEST_VALUE, _LARGEST_VALUE), np.float32(0))
    pixels = valid
    distances = np.abs(window.places - window.directions @ np.array(peak))
    near = distances < least_distance
    design = window.design
    cuts: list[NDArray[np.float64]] = []
    for _ in range(_MOST_CUTS):
        if np.count_nonzero(pixels) < _LEAST_PIXELS:
            return None
        found = _strongest_step(window, bounded, pixels, least_step, near)
        if found is None:
            break
        best, height, doubtful = found
        if _is_curved(window, bounded, pixels, best):
            design = np.concatenate([window.design, window.curvature], axis=1)
            break
        if near[best] or (doubtful and distances[best] < least_distance + _PLACE_REACH):
            return Step(float(distances[best]), height)
        cut = np.append(window.directions[best], window.places[best])
        pixels = pixels & beside(window, cut)
        cuts.append(cut)
    return _refitted(design, values, pixels, np.reshape(cuts, (-1, 3)))


def beside(window: Window, cut: NDArray[np.float64]) -> Mask:
    """Pixels on the middle's side of a cut, [3] as a plane keeps them."""
    return np.asarray((window.offsets @ cut[:2] > cut[2]) == (cut[2] < 0))


def _strongest_step(
    window: Window, values: FloatArray, pixels: Mask, least_step: float, near: Mask
) -> tuple[int, float, bool] | None:
    """The step that reduces the squared residuals most.

    Returns:
        its index, its height, and whether one of those `near` reduces them nearly as much.
    """
    weights = pixels.astype(np.float32)
    columns = np.empty((len(values), 4), np.float32)
    np.multiply(window.design, weights[:, None], out=columns[:, :3])
    np.multiply(values, weights, out=columns[:, 3])
    moments = (window.design.T @ columns).astype(np.float64)
    inverse = _inverse(moments[:, :3])
    if inverse is None:
        return None
    count = moments[0, 0]
    sums = (window.steps @ columns).astype(np.float64)
    along = sums[:, :3] @ inverse
    information = np.maximum(count - (along * sums[:, :3]).sum(axis=1), 1e-3)
    excess = sums[:, 3] - along @ moments[:, 3]
    reduction = excess * excess / information
    usable = (np.abs(sums[:, 0]) <= count - 2 * _LEAST_SIDE) & (information >= 1)
    usable &= 2 * np.abs(excess) >= least_step * information
    usable &= reduction >= _LEAST_SIGNIFICANCE**2
    reduction = np.where(usable, reduction, 0)
    index, nearest = int(reduction.argmax()), int((reduction * near).argmax())
    if not usable[index]:
        return None
    doubtful = bool(usable[nearest] and reduction[nearest] >= reduction[index] - _PLACE_DOUBT)
    return index, float(2 * abs(excess[index]) / information[index]), doubtful


def _is_curved(window: Window, values: FloatArray, pixels: Mask, index: int) -> bool:
    """Whether a curved surface fits, and fits better than two planes with a step between them."""
    flat = window.design[pixels]
    step = np.concatenate([flat, window.steps[index, pixels][:, None]], axis=1)
    curved = np.concatenate([flat, window.curvature[pixels]], axis=1)
    count = len(flat)
    squares = _residual_squares(curved, values[pixels])
    if squares > count + _LARGEST_EXCESS * math.sqrt(2 * count):
        return False
    return squares <= _residual_squares(step, values[pixels])


def _residual_squares(design: FloatArray, values: FloatArray) -> float:
    moments, sums = design.T @ design, design.T @ values
    # What few pixels leave open is as well left at 0.
    moments[np.diag_indices_from(moments)] += 1e-3
    residuals = values - design @ np.linalg.solve(moments, sums)
    return float(residuals @ residuals)


def _refitted(
    design: FloatArray, values: FloatArray, pixels: Mask, cuts: NDArray[np.float64]
) -> Plane | None:
    """Fitted again without the pixels that lie far off, which may belong to no surface."""
    # Beyond this, even those would move the first fit.
    pixels = pixels & (np.abs(values) <= _LARGEST_VALUE)
    plane = None
    for _ in range(2):
        if np.count_nonzero(pixels) < _LEAST_PIXELS:
            return None
        weighted = design * pixels[:, None]
        covariance = _inverse((design.T @ weighted).astype(np.float64))
        if covariance is None:
            return None
        coefficients = covariance @ (values @ weighted)
        plane = Plane(pixels, coefficients[:3], covariance[:3, :3], cuts)
        residuals = values - design @ coefficients.astype(np.float32)
        pixels = pixels & (np.abs(residuals) <= _LARGEST_RESIDUAL)
    return plane


def _inverse(moments: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """None where all pixels lie on a line or nearly so."""
    # For so small a matrix a third of the time of NumPy's.
    regular, inverse = cv2.invert(moments)
    if not regular:
        return None
    # How much more each coefficient varies for the others' sake.
    if not 0 < (inverse.diagonal() * moments.diagonal()).max() < _LARGEST_INFLATION:
        return None
    return np.asarray(inverse, np.float64)
