# SPDX-License-Identifier: Apache-2.0
"""The most prominent surfaces near peaks that may be a few pixels off."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import (
    FloatArray,
    SurfacePoint,
    SurfaceSettings,
    measure_surfaces,
)

# Searched rings around a peak, as shares of the tolerance, and the number of directions on each.
_RINGS = (1 / 3, 2 / 3, 1.0)
_DIRECTIONS = 8
# Maximum number of measured pixels of a ring, nearest to the camera first; each takes time.
_MEASURED = 3
# Metres behind the nearest surface that count as equally near: the thickness of an operated part.
_SAME = 0.03
# Margin, in standard deviations of depth.
_SURE = 3.0


@dataclass(frozen=True)
class PlacedSurface:
    """A surface point, and the pixel that shows it.

    Attributes:
        pixel: (u, v), see `measure_surfaces`.
        surface: surface point there, or the reason why there is none.
    """

    pixel: tuple[float, float]
    surface: SurfacePoint


def prominent_surfaces(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    peaks: ArrayLike,
    tolerance: float,
    settings: SurfaceSettings,
) -> tuple[PlacedSurface, ...]:
    """Find the surface that stands out most near each peak, as near as depth is reliable.

    An operated element stands out from its background: if a peak lies beside a handle, its own
    pixel shows the wall. A peak stays where it is if its surface is known and nothing within the
    tolerance is clearly nearer to the camera; otherwise the surface nearest to the camera is used,
    at the smallest distance from the peak at which it is known. If there is none, and the peak's
    own surface is unknown, any other known surface within the tolerance is used.

    Args:
        depth, calibration, image_size, settings: see `measure_surfaces`.
        peaks: [P, 2], each (u, v) in pixels of the image.
        tolerance: maximum error of a peak in pixels; 0: none.

    Returns:
        the surface of each peak; without a known surface, the peak itself and the reason.
    """
    pixels = np.asarray(peaks, np.float64).reshape(-1, 2)
    measure = partial(_measured, depth, calibration, image_size, settings)
    placed = measure(pixels)
    if not tolerance > 0 or not placed:
        return tuple(placed)
    around = pixels[:, None] + tolerance * _OFFSETS
    seen = _depths(depth, image_size, around, settings)
    return tuple(map(partial(_prominent, measure, settings.noise), placed, around, seen))


def _prominent(
    measure: Callable[[FloatArray], list[PlacedSurface]],
    noise: float,
    own: PlacedSurface,
    around: FloatArray,
    seen: FloatArray,
) -> PlacedSurface:
    """Find the surface that stands out most near a peak.

    Args:
        measure: measures the surfaces at positions [M, 2].
        noise: standard deviation of depth as a share.
        own: surface at the peak itself.
        around: [N, 2], positions on the rings, from the inner to the outer one.
        seen: [N], depth of their pixels; infinite if unknown.
    """
    limit = float(seen.min()) * (1 + _SURE * noise) + _SAME
    foreground = seen <= limit
    groups = []
    if _distance(own) > limit:
        groups.append(foreground)
    if own.surface.position is None:
        groups.append(~foreground)
    for group in groups:
        depths = np.where(group, seen, np.inf).reshape(len(_RINGS), _DIRECTIONS)
        for ring, positions in zip(depths, around.reshape(*depths.shape, 2), strict=True):
            first = np.argsort(ring, kind='stable')[:_MEASURED]
            found = measure(positions[first[np.isfinite(ring[first])]])
            if found and math.isfinite(_distance(best := min(found, key=_distance))):
                return best
    return own


def _measured(
    depth: DepthImage,
    calibration: Calibration,
    image_size: tuple[int, int],
    settings: SurfaceSettings,
    positions: FloatArray,
) -> list[PlacedSurface]:
    surfaces = measure_surfaces(depth, calibration, image_size, positions, settings)
    return [
        PlacedSurface((u, v), surface)
        for (u, v), surface in zip(positions.tolist(), surfaces, strict=True)
    ]


def _distance(placed: PlacedSurface) -> float:
    """Return metres along the optical axis; infinite if unknown."""
    position = placed.surface.position
    return math.inf if position is None else float(position[2])


def _depths(
    depth: DepthImage,
    image_size: tuple[int, int],
    positions: FloatArray,
    settings: SurfaceSettings,
) -> FloatArray:
    """Return depth [P, N] at the pixels nearest to positions [P, N, 2]; infinite if unknown."""
    height, width = depth.size
    scale = np.array([width / image_size[1], height / image_size[0]])
    columns, rows = np.moveaxis(np.floor((positions + 0.5) * scale).astype(int), -1, 0)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    seen = depth.at(rows.clip(0, height - 1) * width + columns.clip(0, width - 1))
    return np.where(inside & settings.cover(seen), seen, np.inf)


def _offsets() -> FloatArray:
    angles = 2 * math.pi / _DIRECTIONS * np.arange(_DIRECTIONS)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([share * ring for share in _RINGS])


_OFFSETS = _offsets()
