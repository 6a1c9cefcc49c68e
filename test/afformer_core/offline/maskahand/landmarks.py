# SPDX-License-Identifier: Apache-2.0
"""Landmarks of a pointing hand whose palm is 100 pixels long."""

from __future__ import annotations

import numpy as np

_POINTING = np.array(
    [(-200, 40)]  # wrist
    + [(-170, 70), (-150, 80), (-130, 80), (-110, 80)]  # thumb
    + [(-100, 10), (-60, 5), (-30, 0), (0, 0)]  # index finger, its tip last
    + [(-100, 40), (-70, 45), (-80, 60), (-100, 60)]
    + [(-105, 60), (-80, 65), (-90, 75), (-105, 75)]
    + [(-110, 75), (-90, 80), (-100, 85), (-110, 85)],
    np.float64,
)


def pointing_hand(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    """[21, 2] pixels of a hand with the tip of its index finger at (x, y)."""
    return np.array([x, y]) + scale * _POINTING
