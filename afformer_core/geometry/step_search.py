# SPDX-License-Identifier: Apache-2.0
"""The strongest of the steps that may run through a window, in many windows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.least_squares import inverses
from afformer_core.geometry.window import DESIGN, STEPS, FloatArray, Mask, Window

# A hundred steps are tried, many of them alike; noise alone reaches this in 1 of 200 windows.
_LEAST_SIGNIFICANCE = 4.0
# A step's place is taken for uncertain among those whose reduction of the squared residuals is the
# best one less this (3 standard deviations), and not farther away than this many pixels.
_PLACE_DOUBT = 9.0
_PLACE_REACH = 1.5
_LEAST_SIDE = 5


@dataclass(frozen=True)
class FoundStep:
    """The step that reduces the squared residuals of a window most.

    Attributes:
        index: of the window's steps.
        distance: pixels from the peak.
        height: how far apart the planes on its sides are, standard deviations of one pixel.
        at_peak: whether it, or one that is nearly as strong and not far away, lies at the peak.
        reduction: of the squared residuals.
    """

    index: int
    distance: float
    height: float
    at_peak: bool
    reduction: float


def strongest_steps(
    windows: list[Window],
    values: FloatArray,
    pixels: Mask,
    peaks: NDArray[np.float64],
    least_heights: NDArray[np.float64],
    least_distance: float,
) -> list[FoundStep | None]:
    """The strongest step of each window.

    Args:
        windows: P of them.
        values: float32 [P, N] of the pixels of the largest of them; finite.
        pixels: bool [P, N], which of them count; none outside of the window.
        peaks: float64 [P, 2], (u, v) from the windows' middles, pixels.
        least_heights: float64 [P], smaller steps are none, standard deviations of one pixel.
        least_distance: from the peak, pixels; closer steps lie at it.

    Returns:
        None for a window without a significant step.
    """
    sums = _sums(windows, values, pixels)
    moments, sides = sums[:, :3, :3], sums[:, :3, 3:]
    inverse, regular = inverses(moments)
    counts = moments[:, 0, :1]
    along = inverse @ sides
    information = np.maximum(counts - (along * sides).sum(axis=1), 1e-3)
    excess = sums[:, 3, 3:] - (sums[:, 3:, :3] @ along)[:, 0]
    reductions = excess * excess / information
    heights = 2 * np.abs(excess) / information
    usable = reductions >= _LEAST_SIGNIFICANCE**2
    usable &= heights >= least_heights[:, None]
    usable &= information >= 1
    usable &= np.abs(sides[:, 0]) <= counts - 2 * _LEAST_SIDE
    usable &= regular[:, None]
    found: list[FoundStep | None] = [None] * len(windows)
    for row in np.flatnonzero(usable.any(axis=1)):
        window = windows[row]
        distances = np.abs(window.places - window.directions @ peaks[row])
        reduction = np.where(usable[row], reductions[row], 0)
        index = int(reduction.argmax())
        near = distances < least_distance
        best, distance = float(reduction[index]), float(distances[index])
        doubtful = (reduction * near).max() >= max(best - _PLACE_DOUBT, _LEAST_SIGNIFICANCE**2)
        at_peak = distance < least_distance + (_PLACE_REACH if doubtful else 0)
        found[row] = FoundStep(index, distance, float(heights[row, index]), at_peak, best)
    return found


def _sums(windows: list[Window], values: FloatArray, pixels: Mask) -> NDArray[np.float64]:
    """Sums over the pixels that count, [P, 4, 3 + K].

    Of the design's columns and the values, times the design's columns and each step.
    """
    columns = np.empty((len(values), 4, values.shape[1]), np.float32)
    columns[:, :3] = DESIGN[: values.shape[1], :3].T
    columns[:, 3] = values
    columns *= pixels[:, None]
    sums = np.empty((len(values), 4, 3 + STEPS))
    for window in set(windows):
        rows = [row for row, other in enumerate(windows) if other is window]
        part = columns[rows, :, : window.count].reshape(-1, window.count)
        # In this order of the factors BLAS takes half the time.
        sums[rows] = (window.basis @ part.T).T.reshape(-1, 4, 3 + STEPS)
    return sums
