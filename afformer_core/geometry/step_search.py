# SPDX-License-Identifier: Apache-2.0
"""The search for the strongest step through a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.window import DESIGN, DIRECTIONS, FloatArray, Mask, PixelDisc, inverse

# Standard deviations. Pure noise reaches this in 1 of 200 windows with a hundred steps each.
_LEAST_SIGNIFICANCE = 4.0
# The position of a step is uncertain among steps whose reduction of the squared residuals is
# within this of the best one (3 standard deviations), and which are within this many pixels.
_STEP_DOUBT = 9.0
_STEP_REACH = 1.5
_LEAST_SIDE = 5


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
