# SPDX-License-Identifier: Apache-2.0
"""Features of a demonstration's frames in half precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class CompactFeatures:
    """Features of a demonstration's frames, from which its memory can be computed again.

    For the shipped model they take an eighth of the space of that memory.

    Attributes:
        values: float16 [T, C, rows, columns], or float32 if a number exceeds half precision.
    """

    values: NDArray[np.floating[Any]]

    @classmethod
    def of(cls, features: FloatArray) -> CompactFeatures:
        """Return a compact copy of float32 features [T, C, rows, columns]."""
        with np.errstate(over='ignore'):
            half = features.astype(np.float16)
        fits = np.isfinite(half).all() or not np.isfinite(features).all()
        return cls(half if fits else features.astype(np.float32))

    def expanded(self) -> FloatArray:
        """Return the features in float32."""
        return self.values.astype(np.float32)
