# SPDX-License-Identifier: Apache-2.0
"""The strongest of the steps that may run through a window, in many windows at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.least_squares import inverses
from afformer_core.geometry.window import DESIGN, DIRECTIONS, STEPS, FloatArray, Mask, Window

# A hundred steps are tried, many of them alike; noise alone reaches this in 1 of 200 windows.
_LEAST_SIGNIFICANCE = 4.0
# A step's place is taken for uncertain among those whose reduction of the squared residuals is the
# best one less this (3 standard deviations), and not farther away than this many pixels.
_PLACE_DOUBT = 9.0
_PLACE_REACH = 1.5
_LEAST_SIDE = 5


@dataclass(frozen=True)
class StrongestSteps:
    """In each of P windows, the step that reduces the squared residuals most.

    Attributes:
        rows: int64 [P], which windows these are; those without a significant step are left out.
        indices: int64 [P], of the windows' steps.
        distances: float64 [P], pixels from the peak.
        heights: float64 [P], how far apart the planes on both sides are, standard deviations of
            one pixel.
        at_peak: bool [P], whether it lies at the peak, or not far away and one that is nearly as
            strong at the peak.
        squares: float64 [P], squared residuals of the two planes.
    """

    rows: NDArray[np.int64]
    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    heights: NDArray[np.float64]
    at_peak: Mask
    squares: NDArray[np.float64]


class StepSearch:
    """Searches steps among the pixels of P windows that still count.

    Args:
        windows: P of them.
        values: float32 [P, N] of the pixels of the largest of them; finite.
        peaks: float64 [P, 2], (u, v) from the windows' middles, pixels.
        least_heights: float64 [P], smaller steps are none, standard deviations of one pixel.
        least_distance: from the peak, pixels; closer steps lie at it.
    """

    def __init__(
        self,
        windows: list[Window],
        values: FloatArray,
        peaks: NDArray[np.float64],
        least_heights: NDArray[np.float64],
        least_distance: float,
    ) -> None:
        self._windows = windows
        self._peaks = peaks
        self._least_heights = least_heights[:, None]
        self._least_distance = least_distance
        self._columns = np.empty((len(values), 4, values.shape[1]), np.float32)
        self._columns[:, :3] = DESIGN[: values.shape[1], :3].T
        self._columns[:, 3] = values

    def strongest(self, rows: NDArray[np.int64], pixels: Mask) -> StrongestSteps | None:
        """The strongest steps of some windows; None where no window has a significant one.

        Args:
            rows: int64 [R], which windows.
            pixels: bool [R, N], which of their pixels count; none outside of the window.
        """
        columns = self._columns[rows] * pixels[:, None]
        sums = self._sums(rows, columns)
        moments, sides = sums[:, :3, :3], sums[:, :3, 3:]
        inverse, regular = inverses(moments)
        counts = moments[:, 0, :1]
        along = inverse @ sides
        information = np.maximum(counts - (along * sides).sum(axis=1), 1e-3)
        excess = sums[:, 3, 3:] - (sums[:, 3:, :3] @ along)[:, 0]
        reductions = excess * excess / information
        heights = 2 * np.abs(excess) / information
        usable = reductions >= _LEAST_SIGNIFICANCE**2
        usable &= heights >= self._least_heights[rows]
        usable &= information >= 1
        usable &= np.abs(sides[:, 0]) <= counts - 2 * _LEAST_SIDE
        usable &= regular[:, None]
        if not usable.any():
            return None
        some = np.flatnonzero(usable.any(axis=1))
        reductions = np.where(usable[some], reductions[some], 0)
        indices = reductions.argmax(axis=1)
        first = np.arange(len(some))
        best = reductions[first, indices]
        distances = self._distances(rows[some])
        near = (reductions * (distances < self._least_distance)).max(axis=1)
        doubtful = near >= np.maximum(best - _PLACE_DOUBT, _LEAST_SIGNIFICANCE**2)
        distances = distances[first, indices]
        values, inverse = sums[some, 3:, :3], inverse[some]
        flat = (values @ inverse @ values.swapaxes(1, 2))[:, 0, 0]
        squares = np.einsum('pn,pn->p', columns[some, 3], columns[some, 3], dtype=np.float64)
        return StrongestSteps(
            rows[some],
            indices,
            distances,
            heights[some, indices],
            distances < self._least_distance + _PLACE_REACH * doubtful,
            squares - flat - best,
        )

    def _sums(self, rows: NDArray[np.int64], columns: FloatArray) -> NDArray[np.float64]:
        """Sums over the pixels of windows, [R, 4, 3 + K].

        Of the design's columns and the values, times the design's columns and each step.
        """
        sums = np.empty((len(rows), 4, 3 + STEPS))
        windows = [self._windows[row] for row in rows]
        for window in set(windows):
            same = [at for at, other in enumerate(windows) if other is window]
            part = columns[same, :, : window.count].reshape(-1, window.count)
            # In this order of the factors BLAS takes half the time.
            sums[same] = (window.basis @ part.T).T.reshape(-1, 4, 3 + STEPS)
        return sums

    def _distances(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pixels from the peaks to each step, [R, K]."""
        places = np.stack([self._windows[row].places for row in rows])
        return np.asarray(np.abs(places - self._peaks[rows] @ DIRECTIONS.T))
