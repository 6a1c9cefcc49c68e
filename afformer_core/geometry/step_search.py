# SPDX-License-Identifier: Apache-2.0
"""The strongest of the steps that may run through a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.least_squares import inverse
from afformer_core.geometry.window import DESIGN, DIRECTIONS, FloatArray, Mask, Window

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
        at_peak: whether it lies at the peak, or not far away and one that is nearly as strong
            does.
        squares: squared residuals of the two planes.
    """

    index: int
    distance: float
    height: float
    at_peak: bool
    squares: float


class StepSearch:
    """Searches steps among the pixels of a window that still count.

    Args:
        window: the pixels.
        values: float32 [N] of them; finite.
        peak: float64 [2], (u, v) from the window's middle, pixels.
        least_height: smaller steps are none, standard deviations of one pixel.
        least_distance: from the peak, pixels; closer steps lie at it.
    """

    def __init__(
        self,
        window: Window,
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
        """The strongest significant step where pixels bool [N] count; None where there is none."""
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
        distances = np.abs(self._window.places - DIRECTIONS @ self._peak)
        near = float(reductions[distances < self._least_distance].max(initial=0))
        distance = float(distances[index])
        doubtful = near >= max(best - _PLACE_DOUBT, _LEAST_SIGNIFICANCE**2)
        values = columns[:, 3]
        flat = moments[:, 3] @ inverted @ moments[:, 3]
        return FoundStep(
            index,
            distance,
            float(heights[index]),
            distance < self._least_distance + (_PLACE_REACH if doubtful else 0),
            float(values @ values) - float(flat) - best,
        )
