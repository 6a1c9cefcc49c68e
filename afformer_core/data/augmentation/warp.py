# SPDX-License-Identifier: Apache-2.0
"""Homographies applied to pixels and points."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Homography = NDArray[np.float64]

_HORIZON = 1e-6


def warp_pictures(
    pictures: NDArray[np.uint8], homography: Homography, black_outside: bool = False
) -> NDArray[np.uint8]:
    """Move the pixels of pictures.

    Args:
        pictures: uint8 [T, H, W, 3].
        homography: [3, 3] from the old (x, y, 1) to the new ones.
        black_outside: what comes from outside a picture is black, and not the picture reflected.

    Returns:
        uint8 of the same shape.
    """
    sources = _sources(homography, pictures.shape[1], pictures.shape[2])
    moved = np.empty(pictures.shape, np.uint8)
    border = cv2.BORDER_CONSTANT if black_outside else cv2.BORDER_REFLECT_101
    for old, new in zip(pictures, moved, strict=True):
        cv2.remap(old, *sources, cv2.INTER_LINEAR, dst=new, borderMode=border)
    return moved


def warp_points(points: NDArray[np.float64], homography: Homography) -> NDArray[np.float64]:
    """Move points [P, 2] (x, y) as `warp_pictures` moves what is under them."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    # A point beyond the horizon is out of the picture, and must not come in from the other side.
    return np.asarray(moved[:, :2] / np.maximum(moved[:, 2:], _HORIZON))


def inside(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of the points [P, 2] lie within the outermost centres of pixels.

    Args:
        points: (x, y), where centres of pixels are integers.
        size: (height, width) of the picture.
    """
    return np.asarray(((points >= 0) & (points <= (size[1] - 1, size[0] - 1))).all(axis=1))


def _sources(homography: Homography, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of a moved picture comes from, as `cv2.remap` takes it.

    All frames of a video share it: `cv2.warpPerspective` finds it again for each.
    """
    x, y, depth = (
        row[0] * np.arange(width) + row[1] * np.arange(height)[:, None] + row[2]
        for row in np.linalg.inv(homography)
    )
    depth = np.maximum(depth, _HORIZON)
    places = ((x / depth).astype(np.float32), (y / depth).astype(np.float32))
    first, second = cv2.convertMaps(*places, cv2.CV_16SC2)
    return first, second
