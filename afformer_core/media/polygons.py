# SPDX-License-Identifier: Apache-2.0
"""Points in and near polygons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Polygon = NDArray[np.float64]
Point = tuple[float, float]

# Number of points whose distances to edges are computed together.
_AT_ONCE = 1024


def contains(polygon: Polygon, point: Point) -> bool:
    """Check whether a point (x, y) lies inside a polygon [K, 2], by the even-odd rule."""
    return bool(contained(polygon, np.array([point]))[0])


def contained(polygon: Polygon, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Check which points [N, 2] lie inside a polygon [K, 2], by the even-odd rule; bool [N]."""
    x, y = points[:, :1], points[:, 1:]
    start, end = polygon, np.roll(polygon, -1, axis=0)
    straddles = (start[:, 1] > y) != (end[:, 1] > y)
    rise = np.where(straddles, end[:, 1] - start[:, 1], 1.0)
    crossing = start[:, 0] + (y - start[:, 1]) * (end[:, 0] - start[:, 0]) / rise
    return np.asarray((straddles & (x < crossing)).sum(1) % 2 == 1)


def distance(polygon: Polygon, point: Point) -> float:
    """Compute the distance in pixels from a point (x, y) to a polygon [K, 2]; 0 inside."""
    if contains(polygon, point):
        return 0.0
    return float(edge_distances(polygon, np.array([point]))[0])


def edge_distances(polygon: Polygon, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the distances in pixels from points [N, 2] to the edges of a polygon [K, 2]; [N]."""
    edge = np.roll(polygon, -1, axis=0) - polygon
    squared = np.maximum((edge**2).sum(1), 1e-12)
    nearest = np.empty(len(points))
    for begin in range(0, len(points), _AT_ONCE):
        offset = points[begin : begin + _AT_ONCE, None] - polygon
        along = np.clip((offset * edge).sum(2) / squared, 0, 1)[..., None]
        apart = offset - along * edge
        nearest[begin : begin + _AT_ONCE] = np.hypot(apart[..., 0], apart[..., 1]).min(1)
    return nearest


def area(polygon: Polygon) -> float:
    """Compute the area in square pixels that the edges of a polygon [K, 2] enclose."""
    x, y = polygon.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def nearest_element(polygons: Sequence[Polygon], point: Point) -> int:
    """Return the index of the polygon nearest to a point; of equally near ones, by its centre."""
    distances = [
        (distance(polygon, point), float(np.hypot(*(polygon.mean(0) - point))))
        for polygon in polygons
    ]
    return min(range(len(polygons)), key=distances.__getitem__)


def inner_points(polygon: Polygon) -> Polygon:
    """Return the centre of a polygon [K, 2] and the points halfway to its corners, [K + 1, 2]."""
    centre = polygon.mean(0, keepdims=True)
    return np.concatenate((centre, (polygon + centre) / 2))
