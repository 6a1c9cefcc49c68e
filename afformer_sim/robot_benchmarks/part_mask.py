# SPDX-License-Identifier: Apache-2.0
"""Outlines of what is seen of a part."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.media.polygons import Polygon

# Pixels by which an outline may differ from the mask, and the least share of the mask that a
# piece of it has.
_TOLERANCE, _LEAST_PIECE = 0.8, 0.05


def outline_mask(mask: np.ndarray) -> list[Polygon]:
    """Outline the pieces of a mask, bool [H, W]: float64 [K, 2] pixels (x, y) each.

    Pieces of less than a twentieth of the mask, and holes, are left out.
    """
    # twice as large, so that outlines run a quarter of a pixel inside the border
    enlarged = np.kron(mask, np.ones((2, 2), np.uint8)).astype(np.uint8)
    found, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pieces = []
    for contour in found:
        simple = cv2.approxPolyDP(contour, 2 * _TOLERANCE, closed=True)[:, 0]
        area = cv2.contourArea(contour) / 4
        if len(simple) >= 3 and area >= _LEAST_PIECE * mask.sum():
            pieces.append((simple - 0.5) / 2)
    return pieces


def is_near(mask: np.ndarray, pixel: np.ndarray, distance: float) -> bool:
    """Check whether a mask, bool [H, W], has a pixel within a distance of a point [2]."""
    rows, columns = np.nonzero(mask)
    apart = np.hypot(columns - pixel[0], rows - pixel[1])
    return bool(apart.size and apart.min() <= distance)
