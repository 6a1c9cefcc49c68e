# SPDX-License-Identifier: Apache-2.0
"""The point cloud of the region that a heatmap marks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.surface import SurfaceSettings

# Standard deviations. The nine depths of a 3x3 neighbourhood on a plane spread over 3 on average,
# on a steep one over 5. A wider spread is a depth edge, where pixels may be flying pixels.
_LARGEST_SPREAD = 8.0
_LEAST_NEIGHBOURS = 5


def weighted_cloud(
    heatmap: NDArray[np.float32],
    depth: DepthImage,
    calibration: Calibration,
    settings: SurfaceSettings,
    least_weight: float = 0.05,
    maximum_points: int = 5000,
) -> NDArray[np.float32]:
    """Compute the points of the pixels that a heatmap marks.

    Holes, depths out of range, and pixels at depth edges are left out. The rest is thinned by an
    even stride.

    Args:
        heatmap: float32 [H, W] of the image's size, not negative.
        depth: depth image registered to the image, of the same aspect ratio.
        calibration: calibration of the image's camera.
        settings: noise and range of the depth.
        least_weight: share of the heatmap's maximum, 0 to 1; pixels below it are left out.
        maximum_points: largest number of points, at least 1.

    Returns:
        float32 [N, 4]: x, y, z in metres in the camera's frame, and the heatmap's value as a share
        of its maximum.
    """
    largest = float(heatmap.max())
    if not largest > 0:
        return np.zeros((0, 4), np.float32)
    height, width = depth.size
    weights = heatmap / np.float32(largest)
    if heatmap.shape != depth.size:
        shrinks = height < heatmap.shape[0]
        weights = cv2.resize(
            weights, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
    marked = weights >= max(least_weight, np.finfo(np.float32).tiny)
    rows, columns = np.nonzero(marked)
    if not len(rows):
        return np.zeros((0, 4), np.float32)
    # a margin of one pixel gives pixels at the border of the crop all their neighbours
    top, left = max(0, rows.min() - 1), max(0, columns.min() - 1)
    crop = np.s_[top : rows.max() + 2, left : columns.max() + 2]
    rows, columns = np.nonzero(marked[crop] & _on_surface(depth.values[crop], settings))
    stride = max(1, -(-len(rows) // maximum_points))
    rows, columns = rows[::stride] + top, columns[::stride] + left
    scale = np.array([heatmap.shape[1] / width, heatmap.shape[0] / height])
    pixels = (np.stack([columns, rows], axis=1) + 0.5) * scale - 0.5
    points = calibration.points(pixels, depth.values[rows, columns])
    cloud = np.concatenate([points, weights[rows, columns, None]], axis=1).astype(np.float32)
    return np.asarray(cloud[np.isfinite(cloud).all(axis=1)])


def _on_surface(values: NDArray[np.float32], settings: SurfaceSettings) -> NDArray[np.bool_]:
    valid = settings.cover(values)
    kernel = np.ones((3, 3), np.uint8)
    farthest = cv2.dilate(np.where(valid, values, np.float32(-1e9)), kernel)
    nearest = cv2.erode(np.where(valid, values, np.float32(1e9)), kernel)
    neighbours = cv2.boxFilter(
        valid.astype(np.float32), -1, (3, 3), normalize=False, borderType=cv2.BORDER_REPLICATE
    )
    spread = _LARGEST_SPREAD * settings.noise * np.where(valid, values, 1.0)
    return np.asarray(
        valid & (farthest - nearest <= spread) & (neighbours > _LEAST_NEIGHBOURS - 0.5)
    )
