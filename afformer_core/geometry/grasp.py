# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates, and the axis and width of the part between the fingers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.transform import quaternion_of_rotation, rotation_of_quaternion
from afformer_core.runtime.peaks import Peak, marked_region, peak_region


@dataclass(frozen=True)
class GraspCandidate:
    """The pose of a hand at a surface.

    Attributes:
        position: float64 [3], metres.
        orientation: float64 [4], unit quaternion (x, y, z, w). The pose's z axis is the approach,
            into the surface; its x axis lies across it, along the part.
        score: score of the peak, 0 to 1.
        axis_known: whether the part has a long axis; if not, x is as horizontal as it can be.
    """

    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    score: float
    axis_known: bool = False

    def moved_back(self, distance: float) -> GraspCandidate:
        """Return the pose moved back along its approach by a distance in metres."""
        approach = rotation_of_quaternion(self.orientation)[:, 2]
        return replace(self, position=self.position - distance * approach)


def grasp_candidate(
    position: NDArray[np.float64], approach: NDArray[np.float64], score: float
) -> GraspCandidate:
    """Compute the pose of a hand that moves onto a surface, with an unknown axis.

    Args:
        position: [3] metres, point on the surface, in the camera's frame.
        approach: [3], unit length, into the surface.
        score: score of the peak, 0 to 1.
    """
    right, down, _ = np.eye(3)
    across = right if abs(approach @ right) < 0.9 else down
    y = np.cross(approach, across)
    x = np.cross(y, approach) / np.linalg.norm(y)
    return GraspCandidate(position, _orientation(x, approach), score)


def _orientation(x: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    return quaternion_of_rotation(np.stack([x, np.cross(z, x), z], axis=1))


# Metres around the candidate within which the part has a long axis, and the share of its variance
# by which that must exceed the short one: 1.5 times as long as wide.
_PART_RADIUS, _LEAST_ELONGATION = 0.03, 0.4
# Half the width of a finger, metres: only pixels beside the candidate count.
_HALF_FINGER = 0.01
# Metres, and standard deviations of depth: pixels farther from the tangent plane belong to another
# part.
_THICKNESS, _DEVIATIONS = 0.015, 3.0
# Share of a uniform distribution of widths between the two percentiles.
_LOW, _HIGH = 5, 95
_LEAST_PIXELS = 8


def along_part(
    candidate: GraspCandidate,
    peak: Peak,
    depth: DepthImage,
    calibration: Calibration,
    settings: DepthSettings,
) -> GraspCandidate:
    """Turn a grasp candidate about its approach so that x lies along the touched part.

    The part consists of the connected pixels within 3 cm, and within 15 mm and 3 standard
    deviations of the noise from the plane across the approach. Unless it is 1.5 times as long as
    wide, as without a step of depth around it, the candidate stays as it is. x points to the right
    and down in the image.

    Args:
        candidate: grasp candidate in the camera's frame.
        peak: the peak of the candidate.
        depth: depth image registered to the image, of the same aspect ratio.
        calibration: calibration of the image's camera.
        settings: noise and range of the depth.
    """
    moved, scale = _in_depth(peak, depth, calibration)
    distance = max(float(candidate.position[2]), settings.nearest_depth)
    reach = _PART_RADIUS * calibration.focal_length * scale[0] / distance
    v, u = np.ogrid[: depth.size[0], : depth.size[1]]
    around = np.maximum(abs(v - moved.v), abs(u - moved.u)) <= reach
    local = _part(around, moved, candidate, depth, calibration, settings)
    x, y = local[np.linalg.norm(local, axis=1) <= _PART_RADIUS, :2].T
    if len(x) < _LEAST_PIXELS:
        return candidate
    (xx, xy), (_, yy) = np.cov(x, y)
    if math.hypot(xx - yy, 2 * xy) <= _LEAST_ELONGATION * (xx + yy):
        return candidate
    angle = math.atan2(2 * xy, xx - yy) / 2
    rotation = rotation_of_quaternion(candidate.orientation)
    along = rotation[:, :2] @ [math.cos(angle), math.sin(angle)]
    along = along if along[:2].sum() >= 0 else -along
    return replace(candidate, orientation=_orientation(along, rotation[:, 2]), axis_known=True)


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
    moved, _ = _in_depth(peak, depth, calibration)
    height, width = depth.size
    values = np.asarray(
        cv2.resize(heatmap, (width, height), interpolation=cv2.INTER_AREA), np.float32
    )
    region = peak_region(values, moved, share)
    local = _part(region, moved, candidate, depth, calibration, settings)
    beside = local[np.abs(local[:, 0]) <= _HALF_FINGER, 1]
    if len(beside) < _LEAST_PIXELS:
        return None
    low, high = np.percentile(beside, (_LOW, _HIGH))
    return float((high - low) / (_HIGH - _LOW) * 100)


def _in_depth(
    peak: Peak, depth: DepthImage, calibration: Calibration
) -> tuple[Peak, NDArray[np.float64]]:
    """Return the peak in pixels of the depth image, and the scale (x, y) of that to the image."""
    height, width = depth.size
    scale = np.array([width / calibration.width, height / calibration.height])
    u, v = ((np.array([peak.u, peak.v]) + 0.5) * scale - 0.5).tolist()
    return replace(peak, u=u, v=v), scale


def _part(
    region: NDArray[np.bool_],
    peak: Peak,
    candidate: GraspCandidate,
    depth: DepthImage,
    calibration: Calibration,
    settings: DepthSettings,
) -> NDArray[np.float64]:
    """Find the points of the touched part in a region of the depth image.

    Args:
        region: [H, W] of the size of the depth image.
        peak: the peak, in pixels of the depth image.
        candidate, depth, calibration, settings: see `grasp_width`.

    Returns:
        [N, 3] metres, in the frame of the candidate.
    """
    rows, columns = np.nonzero(region)
    if not len(rows):
        return np.zeros((0, 3))
    _, scale = _in_depth(peak, depth, calibration)
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
    part = marked_region(closed, [peak], 1.0)[rows, columns]
    return np.asarray(local[valid & part])
