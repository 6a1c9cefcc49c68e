# SPDX-License-Identifier: Apache-2.0
"""A plane through a round window of pixels, and the steps that limit it.

The fitted values are in standard deviations of their noise: a plane's inverse depth is exactly
affine in the pixel, so its values are 1, u and v times three coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.neighbourhood import (
    DESIGN,
    DIRECTIONS,
    OFFSETS,
    FloatArray,
    Mask,
    PixelDisc,
    beside,
    inverse,
    normal_equations,
)

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
