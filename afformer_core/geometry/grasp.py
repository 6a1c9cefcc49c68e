# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates at the peaks of a heatmap, and the width of the part between the fingers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.geometry.transform import quaternion_of_rotation, rotation_of_quaternion
from afformer_core.runtime.peaks import NEIGHBOURHOOD, Peak, marked_region, peak_region

# Share of a blob's variance by which the long axis must exceed the short one; a blob that is 15 %
# longer than wide reaches it.
_LEAST_ELONGATION = 0.14
_HORIZONTAL = np.array([1.0, 0.0])
_VERTICAL = np.array([0.0, 1.0])


@dataclass(frozen=True)
class GraspCandidate:
    """The pose of a hand at a surface.

    Attributes:
        position: float64 [3], metres.
        orientation: float64 [4], unit quaternion (x, y, z, w). The pose's z axis is the approach,
            into the surface; its x axis lies in the surface, along the blob of the heatmap.
        score: score of the peak, 0 to 1.
        axis_known: whether the blob has a long axis; if not, x is arbitrary.
    """

    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    score: float
    axis_known: bool = True

    def moved_back(self, distance: float) -> GraspCandidate:
        """Return the pose moved back along its approach by a distance in metres."""
        approach = rotation_of_quaternion(self.orientation)[:, 2]
        return replace(self, position=self.position - distance * approach)


def grasp_candidate(
    heatmap: NDArray[np.float32], peak: Peak, surface: SurfacePoint, calibration: Calibration
) -> GraspCandidate | None:
    """Compute the pose of a hand that approaches the surface at a peak along its normal.

    z is the approach, against the surface's normal. x is the long axis of the heatmap's blob
    within a tenth of the image's shorter side around the peak, projected onto the surface; if the
    blob is round, the image's horizontal. x points to the right and down in the image, so that a
    horizontal or a vertical handle has the same x in every image; only a handle that rises to the
    right at 45 degrees may have either sign.

    Args:
        heatmap: float32 [H, W] of the image's size, not negative.
        peak: a peak of the heatmap.
        surface: surface point at the peak.
        calibration: calibration of the image's camera.

    Returns:
        the candidate in the camera's frame; None if the normal is unknown.
    """
    if surface.position is None or surface.normal is None:
        return None
    rays = calibration.rays([[peak.u, peak.v], [peak.u + 1, peak.v], [peak.u, peak.v + 1]])
    axis = _long_axis(heatmap, peak)
    across = (rays[1:] - rays[0]).T @ (_HORIZONTAL if axis is None else axis)
    ray = np.append(rays[0], 1.0)
    x = _along_surface(across, ray, surface.normal)
    z = -surface.normal
    rotation = np.stack([x, np.cross(z, x), z], axis=1)
    orientation = quaternion_of_rotation(rotation)
    return GraspCandidate(surface.position, orientation, peak.score, axis is not None)


def _long_axis(heatmap: NDArray[np.float32], peak: Peak) -> NDArray[np.float64] | None:
    """Return the long axis of the blob around a peak, (u, v) right and down; None if round."""
    radius = max(2.0, NEIGHBOURHOOD * min(heatmap.shape))
    top, left = (max(0, math.ceil(at - radius)) for at in (peak.v, peak.u))
    weights = heatmap[
        top : math.floor(peak.v + radius) + 1, left : math.floor(peak.u + radius) + 1
    ].astype(np.float64)
    v, u = np.ogrid[: weights.shape[0], : weights.shape[1]]
    disc = (v + top - peak.v) ** 2 + (u + left - peak.u) ** 2 <= radius**2
    # a uniform background would have the shape of the disc instead of the blob
    moments = cv2.moments(np.where(disc, weights - weights[disc].min(initial=np.inf), 0.0))
    uu, vv, uv = moments['mu20'], moments['mu02'], moments['mu11']
    if math.hypot(uu - vv, 2 * uv) <= _LEAST_ELONGATION * (uu + vv):
        return None
    angle = math.atan2(2 * uv, uu - vv) / 2
    axis = np.array([math.cos(angle), math.sin(angle)])
    return axis if axis.sum() >= 0 else -axis


def _along_surface(
    across: NDArray[np.float64], ray: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the unit vector in the plane of `normal` that appears along `across` from a ray."""
    step = np.append(across, 0.0)
    if abs(normal @ ray) > 1e-3 * np.linalg.norm(ray):
        tangent = step - ray * (normal @ step) / (normal @ ray)
    else:
        tangent = step
    # for a surface seen edge-on, only the viewing direction is left
    for candidate in (tangent, np.append(_HORIZONTAL, 0.0), np.append(_VERTICAL, 0.0)):
        flat = candidate - normal * (normal @ candidate)
        length = float(np.linalg.norm(flat))
        if length > 1e-3 * float(np.linalg.norm(candidate)):
            return np.asarray(flat / length, np.float64)
    raise ValueError(f'normal is {normal.tolist()}; expected unit length')


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
    settings: DepthSettings,
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
    valid = settings.cover(distances)
    points = calibration.points(pixels, np.where(valid, distances, 1.0))
    local = (points - candidate.position) @ rotation_of_quaternion(candidate.orientation)
    thickness = np.maximum(_THICKNESS, _DEVIATIONS * settings.depth_noise * distances)
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
