# SPDX-License-Identifier: Apache-2.0
"""Radial distortion of a lens, for points and for images.

A point at the distance r from the image's centre, in half diagonals, appears at r (1 + k r²) times
a factor. That factor zooms in just enough that the image has no empty border: the corners stay in
place for k < 0 (barrel), and the middles of the longer edges for k > 0 (pincushion).
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np


def distort_points(points: np.ndarray, size: tuple[int, int], distortion: float) -> np.ndarray:
    """Distort points of the ideal image: [P, 2] pixels to float64 [P, 2].

    Pixel centres are at integers.
    """
    points = np.asarray(points, float)
    if distortion == 0:
        return np.asarray(points.copy())
    middle, half_diagonal, zoom = _frame(size, distortion)
    offset = points - middle
    squared = (offset**2).sum(axis=1, keepdims=True) / half_diagonal**2
    return np.asarray(middle + offset * zoom * (1 + distortion * squared))


@lru_cache(maxsize=64)
def distortion_maps(size: tuple[int, int], distortion: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the two maps with which `cv2.remap` converts the ideal image to a lens's image."""
    middle, half_diagonal, zoom = _frame(size, distortion)
    width, height = size
    x = np.arange(width) - middle[0]
    y = np.arange(height)[:, None] - middle[1]
    seen = np.hypot(x, y) / half_diagonal / zoom
    ideal = seen
    for _ in range(4):
        # Newton's method: a cubic equation has no simpler solution, and this one is nearly linear
        error = ideal * (1 + distortion * ideal**2) - seen
        ideal = ideal - error / (1 + 3 * distortion * ideal**2)
    shrink = 1 / (zoom * (1 + distortion * ideal**2))
    maps = cv2.convertMaps(
        (middle[0] + x * shrink).astype(np.float32),
        (middle[1] + y * shrink).astype(np.float32),
        cv2.CV_16SC2,
    )
    return maps[0], maps[1]


def _frame(size: tuple[int, int], distortion: float) -> tuple[np.ndarray, float, float]:
    """Return the image's centre [2], half its diagonal in pixels, and the zoom."""
    middle = (np.array(size) - 1) / 2
    half_diagonal = float(np.hypot(*middle))
    kept = 1.0 if distortion < 0 else float(middle.min()) / half_diagonal
    return middle, half_diagonal, 1 / (1 + distortion * kept**2)
