# SPDX-License-Identifier: Apache-2.0
"""Random decisions of a given probability."""

from __future__ import annotations

import numpy as np


def require_probability(probability: float) -> None:
    """Raise ValueError for what is no probability."""
    if not 0 <= probability <= 1:
        raise ValueError(f'a probability is {probability}; 0 to 1 is wanted')


def happens(probability: float, generator: np.random.Generator) -> bool:
    """True in that share of calls."""
    return bool(generator.random() < probability)
