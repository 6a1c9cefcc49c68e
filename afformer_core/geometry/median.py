# SPDX-License-Identifier: Apache-2.0
"""Medians of many short rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def medians(values: NDArray[np.floating[Any]], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Compute the median of the values that count in each row.

    Args:
        values: [P, N]; those that count are finite.
        counted: bool [P, N], True for the values that count.

    Returns:
        float64 [P]; infinite for a row in which no value counts.
    """
    ordered = np.sort(np.where(counted, values, np.inf), axis=1)
    counts = counted.sum(axis=1)
    rows = np.arange(len(values))
    lower = ordered[rows, np.maximum(counts - 1, 0) // 2]
    upper = ordered[rows, np.minimum(counts // 2, values.shape[1] - 1)]
    return np.asarray(0.5 * (lower.astype(np.float64) + upper))
