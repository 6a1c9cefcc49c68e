# SPDX-License-Identifier: Apache-2.0
"""Planes through round windows of pixels, and the steps that limit them.

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
class Fits:
    """Planes, each through the pixels of one surface; tangent planes for curved surfaces.

    Attributes:
        found: bool [P], True where there is a plane.
        steps: step at each peak if it is the reason why there is no plane, or None.
        pixels: bool [P, N], the window's pixels on the surface.
        coefficients: float64 [P, 3], of the first columns of the design.
        covariances: float64 [P, 3, 3], of the coefficients.
        beside: bool [P, M], pixels of the largest window on the same side of all steps that end
            the surface.
    """

    found: Mask
    steps: list[FoundStep | None]
    pixels: Mask
    coefficients: NDArray[np.float64]
    covariances: NDArray[np.float64]
    beside: Mask


def fit_surfaces(
    windows: list[PixelDisc],
    values: FloatArray,
    valid: Mask,
    peaks: NDArray[np.float64],
    least_steps: NDArray[np.float64],
    least_distance: float,
) -> Fits:
    """Fit planes to the surfaces at the middles of windows.

    In each window, the strongest step and everything beyond it is cut off, until no step is left
    or a curved surface explains the rest.

    Args:
        windows: P windows.
        values: float32 [P, N] of the pixels of the largest window; finite.
        valid: bool [P, N]; False outside the window.
        peaks: float64 [P, 2], (u, v) from the windows' middles, pixels, within half a pixel.
        least_steps: float64 [P], standard deviations of one pixel; smaller steps are ignored.
        least_distance: pixels; a step closer to the peak is not cut off but returned.
    """
    bounded = np.where(valid, values.clip(-_LARGEST_VALUE, _LARGEST_VALUE), np.float32(0))
    pixels = valid.copy()
    kept = np.ones((len(values), len(OFFSETS)), bool)
    curved = np.zeros(len(values), bool)
    steps: list[FoundStep | None] = []
    for row, window in enumerate(windows):
        seen, counted = bounded[row, : window.count], pixels[row, : window.count]
        search = StepSearch(window, seen, peaks[row], float(least_steps[row]), least_distance)
        curved[row], step = _cut_off(search, window, seen, counted, kept[row])
        steps.append(step)
    found, pixels, coefficients, covariances = _refitted(values, pixels, curved)
    found &= np.array([step is None for step in steps], bool)
    return Fits(found, steps, pixels, coefficients, covariances, kept)


def _cut_off(
    search: StepSearch, window: PixelDisc, values: FloatArray, pixels: Mask, kept: Mask
) -> tuple[bool, FoundStep | None]:
    """Clear the pixels beyond steps, of the window and of the largest one, in place.

    Returns:
        whether the rest is curved, and the step at the peak if one was found.
    """
    for _ in range(_MOST_CUTS):
        if np.count_nonzero(pixels) < _LEAST_PIXELS:
            break
        step = search.strongest(pixels)
        if step is None:
            break
        if _is_curved(values, pixels, step):
            return True, None
        if step.at_peak:
            return False, step
        kept &= beside(window, step.index)
        pixels &= kept[: window.count]
    return False, None


def _is_curved(values: FloatArray, pixels: Mask, step: FoundStep) -> bool:
    """Check whether a curved surface fits, and fits better than two planes with a step."""
    ((moments,), (sums,)) = normal_equations(values[None], pixels[None], 6)
    count = float(moments[0, 0])
    _, solved = cv2.solve(moments + _RIDGE, sums)
    residuals = values - DESIGN[: len(values)] @ solved[:, 0].astype(np.float32)
    residuals *= pixels
    largest: float = count + _LARGEST_EXCESS * (2 * count) ** 0.5
    return float(residuals @ residuals) <= min(step.squares, largest)


def _refitted(
    values: FloatArray, pixels: Mask, curved: Mask
) -> tuple[Mask, Mask, NDArray[np.float64], NDArray[np.float64]]:
    """Fit again without outliers.

    Returns:
        whether there is a plane, its pixels, coefficients and covariance.
    """
    # pixels beyond would affect even the first fit
    pixels = pixels & (np.abs(values) <= _LARGEST_VALUE)
    found = np.zeros(len(values), bool)
    coefficients, covariances = np.zeros((len(values), 3)), np.zeros((len(values), 3, 3))
    for size, rows in ((3, np.flatnonzero(~curved)), (6, np.flatnonzero(curved))):
        if not len(rows):
            continue
        seen, counted = values[rows], pixels[rows]
        first, _, enough = _least_squares(seen, counted, size)
        design = DESIGN[: values.shape[1], :size]
        counted &= np.abs(seen - first.astype(np.float32) @ design.T) <= _LARGEST_RESIDUAL
        solved, covariance, still_enough = _least_squares(seen, counted, size)
        found[rows], pixels[rows] = enough & still_enough, counted
        coefficients[rows], covariances[rows] = solved[:, :3], covariance[:, :3, :3]
    return found, pixels, coefficients, covariances


def _least_squares(
    values: FloatArray, pixels: Mask, size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], Mask]:
    """Compute coefficients [P, size], their covariances, and whether there are enough pixels."""
    moments, sums = normal_equations(values, pixels, size)
    inverted = [inverse(matrix) for matrix in moments]
    regular = np.array([matrix is not None for matrix in inverted], bool)
    covariances = np.array([np.eye(size) if matrix is None else matrix for matrix in inverted])
    coefficients = (covariances @ sums[:, :, None])[:, :, 0]
    return coefficients, covariances, regular & (moments[:, 0, 0] >= _LEAST_PIXELS)


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


class StepSearch:
    """The search for steps among the remaining pixels of a window.

    Args:
        window: the window.
        values: float32 [N] of its pixels; finite.
        peak: float64 [2], (u, v) from the window's middle, pixels.
        least_height: height below which steps are ignored, in standard deviations of one pixel.
        least_distance: distance below which steps count as lying at the peak, in pixels.
    """

    def __init__(
        self,
        window: PixelDisc,
        values: FloatArray,
        peak: NDArray[np.float64],
        least_height: float,
        least_distance: float,
    ) -> None:
        self._window = window
        self._peak = peak
        self._least_height = least_height
        self._least_distance = least_distance
        self._columns = np.concatenate([DESIGN[: window.count, :3], values[:, None]], axis=1)

    def strongest(self, pixels: Mask) -> FoundStep | None:
        """Find the strongest significant step among pixels bool [N]; None if there is none."""
        columns = self._columns * pixels[:, None]
        sums = (self._window.basis @ columns).astype(np.float64)
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
        usable &= (heights >= self._least_height) & (information >= 1)
        usable &= np.abs(sides[:, 0]) <= count - 2 * _LEAST_SIDE
        reductions = np.where(usable, reductions, 0)
        index = int(reductions.argmax())
        best = float(reductions[index])
        if not best:
            return None
        distances = np.abs(self._window.positions - DIRECTIONS @ self._peak)
        near = float(reductions[distances < self._least_distance].max(initial=0))
        distance = float(distances[index])
        doubtful = near >= max(best - _STEP_DOUBT, _LEAST_SIGNIFICANCE**2)
        values = columns[:, 3]
        flat = moments[:, 3] @ inverted @ moments[:, 3]
        return FoundStep(
            index,
            distance,
            float(heights[index]),
            distance < self._least_distance + (_STEP_REACH if doubtful else 0),
            float(values @ values) - float(flat) - best,
        )
