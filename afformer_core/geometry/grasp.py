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
from afformer_core.runtime.peaks import Peak, marked_region


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
    rotation = np.stack([x, np.cross(approach, x), approach], axis=1)
    return GraspCandidate(position, quaternion_of_rotation(rotation), score)


# Metres around the candidate in which the part is measured: half the opening of a gripper.
_RADIUS = 0.04
# Share of the part's variance by which its long axis must exceed the short one: 1.5 times as long
# as wide.
_LEAST_ELONGATION = 0.4
# Half the width of a finger, metres: only pixels beside the candidate count for the width.
_HALF_FINGER = 0.01
# Metres, and standard deviations of depth: pixels farther from the tangent plane belong to another
# part.
_THICKNESS, _DEVIATIONS = 0.015, 3.0
# Share of a uniform distribution of widths between the two percentiles, and their largest distance
# from the candidate as a share of the radius, at which the part goes on.
_LOW, _HIGH = 5, 95
_EDGE = 0.85
_LEAST_PIXELS = 8


def along_part(
    candidate: GraspCandidate,
    peak: Peak,
    depth: DepthImage,
    calibration: Calibration,
    settings: DepthSettings,
) -> tuple[GraspCandidate, float | None]:
    """Turn a grasp candidate about its approach so that x lies along the touched part.

    The part consists of the connected pixels within 4 cm, and within 15 mm and 3 standard
    deviations of the noise from the plane across the approach. Unless it is 1.5 times as long as
    wide, as without a step of depth around it, the candidate stays as it is. x points to the right
    and down in the image.

    Args:
        candidate: grasp candidate in the camera's frame.
        peak: the peak of the candidate.
        depth: depth image registered to the image, of the same aspect ratio.
        calibration: calibration of the image's camera.
        settings: noise and range of the depth.

    Returns:
        the candidate; and the width of the part across x, along y, in metres. None if fewer than 8
        pixels lie beside the candidate, or the part goes on beyond 3.4 cm.
    """
    part = _part(candidate, peak, depth, calibration, settings)
    if len(part) < _LEAST_PIXELS:
        return candidate, None
    (xx, xy), (_, yy) = np.cov(part[:, :2].T)
    if math.hypot(xx - yy, 2 * xy) > _LEAST_ELONGATION * (xx + yy):
        rotation = rotation_of_quaternion(candidate.orientation)
        angle = math.atan2(2 * xy, xx - yy) / 2
        x = np.array([math.cos(angle), math.sin(angle), 0.0])
        x = x if (rotation @ x)[:2].sum() >= 0 else -x
        turn = np.stack([x, np.cross([0.0, 0.0, 1.0], x), [0.0, 0.0, 1.0]], axis=1)
        orientation = quaternion_of_rotation(rotation @ turn)
        candidate = replace(candidate, orientation=orientation, axis_known=True)
        part = part @ turn
    beside = part[np.abs(part[:, 0]) <= _HALF_FINGER, 1]
    if len(beside) < _LEAST_PIXELS:
        return candidate, None
    low, high = np.percentile(beside, (_LOW, _HIGH)).tolist()
    if max(-low, high) > _EDGE * _RADIUS:
        return candidate, None
    return candidate, (high - low) / (_HIGH - _LOW) * 100


def _part(
    candidate: GraspCandidate,
    peak: Peak,
    depth: DepthImage,
    calibration: Calibration,
    settings: DepthSettings,
) -> NDArray[np.float64]:
    """Find the points of the touched part, [N, 3] metres in the frame of the candidate."""
    height, width = depth.size
    scale = np.array([width / calibration.width, height / calibration.height])
    u, v = ((np.array([peak.u, peak.v]) + 0.5) * scale - 0.5).tolist()
    distance = max(float(candidate.position[2]), settings.nearest_depth)
    reach = math.ceil(_RADIUS * calibration.focal_length * scale[0] / distance)
    left, top = max(0, round(u) - reach), max(0, round(v) - reach)
    window = depth.values[top : round(v) + reach + 1, left : round(u) + reach + 1]
    rows, columns = np.indices(window.shape)
    pixels = (np.stack([columns + left, rows + top], axis=-1) + 0.5) / scale - 0.5
    valid = settings.cover(window)
    points = calibration.points(pixels.reshape(-1, 2), np.where(valid, window, 1.0).ravel())
    local = (points - candidate.position) @ rotation_of_quaternion(candidate.orientation)
    thickness = np.maximum(_THICKNESS, _DEVIATIONS * settings.depth_noise * window)
    near = valid & (np.abs(local[:, 2].reshape(window.shape)) <= thickness)
    # the peak's own pixel may be a hole
    closed = cv2.morphologyEx(near.astype(np.float32), cv2.MORPH_CLOSE, np.ones((3, 3)))
    at = replace(peak, u=u - left, v=v - top)
    part = near & marked_region(np.asarray(closed, np.float32), [at], 1.0)
    local = local[part.ravel()]
    return np.asarray(local[np.linalg.norm(local, axis=1) <= _RADIUS])
