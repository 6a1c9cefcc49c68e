# SPDX-License-Identifier: Apache-2.0
"""A drawn hand whose pixels are the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def drawn_hand(side: int) -> NDArray[np.uint8]:
    """Draw a fist with one finger on a wall of changing colour, uint8 RGB [side, side, 3]."""
    y, x = np.mgrid[:side, :side]
    fist = (x - 0.45 * side) ** 2 / 4 + (y - 0.6 * side) ** 2 / 9 < (side / 13) ** 2
    bone = np.abs(x - 0.4 * side - 0.1 * (y - 0.3 * side)) < side / 40
    finger = bone & (y > 0.2 * side) & (y < 0.6 * side)
    image = np.stack([x * 200 // side, y * 180 // side, (x + 2 * y) * 70 // side], -1)
    image[fist | finger] = (224, 172, 141)
    return image.astype(np.uint8)
