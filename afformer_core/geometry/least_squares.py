# SPDX-License-Identifier: Apache-2.0
"""Least squares over the pixels of many windows at once."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.window import DESIGN, FloatArray, Mask

_LARGEST_INFLATION = 1e4

_PRODUCTS = {
    size: (DESIGN[:, :size, None] * DESIGN[:, None, :size]).reshape(len(DESIGN), -1)
    for size in (3, 6)
}


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
    """Invert moments [S, S]; None where all pixels lie on a line or nearly so."""
    # a tenth of the time of NumPy's for so small a matrix
    regular, inverted = cv2.invert(moments)
    if not regular:
        return None
    # variance inflation: how much more each coefficient varies because of the others
    inflation = (inverted.diagonal() * moments.diagonal()).tolist()
    if not (min(inflation) > 0 and max(inflation) < _LARGEST_INFLATION):
        return None
    return np.asarray(inverted, np.float64)
