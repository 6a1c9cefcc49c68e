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
    """What the coefficients of a design follow from.

    Args:
        values: float32 [P, N]; finite.
        pixels: bool [P, N], which of them count.
        size: columns of the design, 3 or 6.

    Returns:
        moments of the design, float64 [P, size, size], and its sums with the values [P, size].
    """
    count = values.shape[1]
    weights = pixels.astype(np.float32)
    moments = (weights @ _PRODUCTS[size][:count]).astype(np.float64)
    sums = (values * weights) @ DESIGN[:count, :size]
    return moments.reshape(-1, size, size), sums.astype(np.float64)


def inverse(moments: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The inverse of moments [S, S]; None where all pixels lie on a line or nearly so."""
    # For so small a matrix it takes a tenth of the time of NumPy's.
    regular, inverted = cv2.invert(moments)
    if not regular:
        return None
    # How much more each coefficient varies for the others' sake.
    inflation = (inverted.diagonal() * moments.diagonal()).tolist()
    if not (min(inflation) > 0 and max(inflation) < _LARGEST_INFLATION):
        return None
    return np.asarray(inverted, np.float64)
