# SPDX-License-Identifier: Apache-2.0
"""Motion of the background between frames, which shows the motion of the camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatPoints = NDArray[np.float64]

# Spacing of the grid of fitted points, and maximum error of points of the background, pixels.
_GRID, _TOLERANCE = 8, 0.7
# Minimum number of points for which those on hands are left out.
_LEAST_POINTS = 40
# Minimum motion of the image's centre if the camera moves, as a share of the diagonal; the errors
# of many fits add up to less.
_MOVING = 0.03


def background_motion(
    flow: NDArray[np.float32], foreground: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Fit a similarity to the flow of the background.

    The result is deterministic, because RANSAC in OpenCV starts with a fixed seed.

    Args:
        flow: float32 [h, w, 2], motion of each pixel to the next frame.
        foreground: bool [h, w], pixels known not to be background; None: none. They are left out
            unless they fill nearly the whole image.

    Returns:
        [3, 3], which maps a point (x, y, 1) of the background to the next frame; the identity if
        no fit is possible.
    """
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[_GRID // 2 : height : _GRID, _GRID // 2 : width : _GRID]
    if foreground is not None:
        background = ~foreground[rows, columns]
        if background.sum() >= _LEAST_POINTS:
            rows, columns = rows[background], columns[background]
    start = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
    end = start + flow[rows, columns].reshape(-1, 2)
    fitted, _ = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=_TOLERANCE)
    motion = np.eye(3)
    if fitted is not None:
        motion[:2] = fitted
    return motion


def moved(motion: NDArray[np.float64], points: NDArray[Any]) -> FloatPoints:
    """Move points [..., 2] by a motion [3, 3]."""
    return np.asarray(points @ motion[:2, :2].T + motion[:2, 2], np.float64)


def background_flow(motion: NDArray[np.float64], points: NDArray[Any]) -> FloatPoints:
    """Compute how a motion [3, 3] shifts points [..., 2]."""
    return np.asarray(moved(motion, points) - points, np.float64)


def steadied(
    to_first: Sequence[NDArray[np.float64]], size: tuple[int, int]
) -> list[NDArray[np.float64]]:
    """Return the motions to the first frame, or the identity for all if the camera stands still.

    Small errors of the motions accumulate from frame to frame, which a fixed camera avoids.

    Args:
        to_first: [3, 3] each, which maps a point of a frame's background to the first frame.
        size: (width, height) of the frames.
    """
    middle = np.array(size) / 2
    shifts = [np.linalg.norm(moved(motion, middle) - middle) for motion in to_first]
    if max(shifts) > _MOVING * np.hypot(*size):
        return list(to_first)
    return [np.eye(3) for _ in to_first]
