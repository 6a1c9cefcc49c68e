# SPDX-License-Identifier: Apache-2.0
"""Least squares over the pixels of many windows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.window import DESIGN, FloatArray, Mask

# Moments are raised by this share, so that all have an inverse.
_RIDGE = 1e-7
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


def inverses(moments: NDArray[np.float64]) -> tuple[NDArray[np.float64], Mask]:
    """The inverses of moments [P, S, S], and bool [P], which of them say anything.

    Those do not where all pixels lie on a line or nearly so.
    """
    ridged = np.array(moments, order='C')
    diagonals = _diagonals(ridged)
    diagonals *= 1 + _RIDGE
    diagonals += 1e-9
    inverse = np.asarray(np.linalg.inv(ridged), np.float64)
    # How much more each coefficient varies for the others' sake.
    inflation = _diagonals(inverse) * diagonals
    regular = (inflation > 0) & (inflation < _LARGEST_INFLATION)
    return inverse, np.asarray(regular.all(axis=1))


def _diagonals(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Views [P, S] of contiguous matrices [P, S, S]."""
    count, size, _ = matrices.shape
    return matrices.reshape(count, size * size)[:, :: size + 1]
