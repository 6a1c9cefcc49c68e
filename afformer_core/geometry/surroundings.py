# SPDX-License-Identifier: Apache-2.0
"""The plane around a point, along whose normal a part on it is pushed, pulled or turned.

A handle is a rod, whose normal may point in any direction across it. It moves along the normal of
the front on which it is mounted, which is the largest plane around it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings
from afformer_core.runtime.grounding import Peak

# Metres around the point.
_RADIUS = 0.1
_MOST_POINTS, _LEAST_POINTS = 1500, 60
_TRIES = 150
# Distance from the plane that still counts: standard deviations of depth, and at least metres.
_DEVIATIONS, _LEAST_DISTANCE = 2.0, 0.003
# Share of the points that a plane needs.
_LEAST_SHARE = 0.4
# A plane that is tilted more against the surface at the point belongs to another object.
_LARGEST_TILT = math.cos(math.radians(60))


def motion_normal(
    surface: SurfacePoint,
    peak: Peak,
    depth: DepthImage,
    calibration: Calibration,
    settings: SurfaceSettings,
) -> NDArray[np.float64] | None:
    """Return the normal along or about which the part at a point moves.

    This is the normal of the plane around the point, or else of the surface itself.

    The plane contains the most points within 10 cm, at least 40 % of them. It is not used if it is
    tilted by more than 60 degrees against the surface at the point.

    Args:
        surface: surface point in the camera's frame.
        peak: pixel that shows it.
        depth: depth image registered to the image.
        calibration: calibration of the image's camera.
        settings: noise and range of the depth.

    Returns:
        [3] of unit length towards the camera, in the camera's frame; None if neither is known.
    """
    if surface.position is None:
        return None
    points = _points_around(surface.position, peak, depth, calibration, settings)
    if len(points) < _LEAST_POINTS:
        return surface.normal
    limit = max(_LEAST_DISTANCE, _DEVIATIONS * settings.noise * float(surface.position[2]))
    normal = _largest_plane(points, limit)
    if normal is None:
        return surface.normal
    normal = normal if normal @ surface.position < 0 else -normal
    if surface.normal is not None and normal @ surface.normal < _LARGEST_TILT:
        return surface.normal
    return normal


def _points_around(
    position: NDArray[np.float64],
    peak: Peak,
    depth: DepthImage,
    calibration: Calibration,
    settings: SurfaceSettings,
) -> NDArray[np.float64]:
    """Return the points [N, 3] of the depth image within the radius around a position."""
    height, width = depth.size
    scale = width / calibration.width
    distance = max(float(position[2]), settings.nearest)
    reach = math.ceil(_RADIUS * calibration.focal_length * scale / distance)
    u, v = ((at + 0.5) * scale - 0.5 for at in (peak.u, peak.v))
    step = max(1, math.isqrt(4 * reach * reach // _MOST_POINTS))
    rows = np.arange(max(0, round(v) - reach), min(height, round(v) + reach + 1), step)
    columns = np.arange(max(0, round(u) - reach), min(width, round(u) + reach + 1), step)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    distances = depth.values[grid[:, 1], grid[:, 0]]
    with np.errstate(invalid='ignore'):
        valid = (distances >= settings.nearest) & (distances <= settings.farthest)
    points = calibration.points((grid[valid] + 0.5) / scale - 0.5, distances[valid])
    return np.asarray(points[np.linalg.norm(points - position, axis=1) <= _RADIUS])


def _largest_plane(points: NDArray[np.float64], limit: float) -> NDArray[np.float64] | None:
    """Return the normal of the plane near most of the points [N, 3], or None."""
    rng = np.random.default_rng(0)
    triples = points[rng.integers(len(points), size=(_TRIES, 3))]
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    wide = lengths > (0.2 * _RADIUS) ** 2
    if not wide.any():
        return None
    normals, origins = normals[wide] / lengths[wide, None], triples[wide, 0]
    offsets = np.abs(points @ normals.T - (origins * normals).sum(axis=1))
    near = offsets[:, int((offsets <= limit).sum(axis=0).argmax())] <= limit
    if near.mean() < _LEAST_SHARE:
        return None
    chosen = points[near] - points[near].mean(axis=0)
    return np.asarray(np.linalg.svd(chosen, full_matrices=False)[2][2])
