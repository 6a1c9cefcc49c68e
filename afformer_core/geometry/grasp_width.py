# SPDX-License-Identifier: Apache-2.0
"""The width of the part between the fingers of a gripper at a grasp candidate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.region import marked_region, peak_region
from afformer_core.geometry.rotation import rotation_of_quaternion
from afformer_core.geometry.surface import SurfaceSettings
from afformer_core.runtime.grounding import Peak

# Half the width of a finger, metres: only pixels beside the candidate count.
_HALF_FINGER = 0.01
# Metres, and standard deviations of depth: pixels farther from the tangent plane belong to another
# part.
_THICKNESS, _DEVIATIONS = 0.015, 3.0
# Share of a uniform distribution of widths between the two percentiles.
_LOW, _HIGH = 5, 95
_LEAST_PIXELS = 8


def grasp_width(
    heatmap: NDArray[np.float32],
    peak: Peak,
    candidate: GraspCandidate,
    depth: DepthImage,
    calibration: Calibration,
    settings: SurfaceSettings,
    share: float,
) -> float | None:
    """Measure the width of the region across x of a grasp candidate, along its y axis.

    The region consists of the pixels around the peak at which the heatmap reaches a share of its
    value at the peak, and whose depth lies on the touched part: within 15 mm and 3 standard
    deviations of the noise from its tangent plane, connected, and beside the candidate.

    Args:
        heatmap: float32 [H, W] of the image's size, not negative.
        peak: the peak of the candidate.
        candidate: grasp candidate in the camera's frame.
        depth: depth image registered to the image, of the same aspect ratio.
        calibration: calibration of the image's camera.
        settings: noise and range of the depth.
        share: share of the heatmap's value at the peak, above 0 to 1.

    Returns:
        width in metres; None if fewer than 8 pixels are left.
    """
    height, width = depth.size
    scale = np.array([width / heatmap.shape[1], height / heatmap.shape[0]])
    u, v = ((np.array([peak.u, peak.v]) + 0.5) * scale - 0.5).tolist()
    moved = Peak(u, v, peak.score)
    values = np.asarray(
        cv2.resize(heatmap, (width, height), interpolation=cv2.INTER_AREA), np.float32
    )
    rows, columns = np.nonzero(peak_region(values, moved, share))
    if not len(rows):
        return None
    pixels = (np.stack([columns, rows], axis=1) + 0.5) / scale - 0.5
    distances = depth.values[rows, columns]
    with np.errstate(invalid='ignore'):
        valid = (distances >= settings.nearest) & (distances <= settings.farthest)
    points = calibration.points(pixels, np.where(valid, distances, 1.0))
    local = (points - candidate.position) @ rotation_of_quaternion(candidate.orientation)
    thickness = np.maximum(_THICKNESS, _DEVIATIONS * settings.noise * distances)
    near = np.zeros(depth.size, np.float32)
    near[rows, columns] = valid & (np.abs(local[:, 2]) <= thickness)
    # the peak's own pixel may be a hole
    closed = np.asarray(cv2.morphologyEx(near, cv2.MORPH_CLOSE, np.ones((3, 3))), np.float32)
    part = marked_region(closed, [moved], 1.0)[rows, columns]
    beside = valid & part & (np.abs(local[:, 0]) <= _HALF_FINGER)
    if beside.sum() < _LEAST_PIXELS:
        return None
    low, high = np.percentile(local[beside, 1], (_LOW, _HIGH))
    return float((high - low) / (_HIGH - _LOW) * 100)
