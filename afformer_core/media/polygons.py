# SPDX-License-Identifier: Apache-2.0
"""Points in and near polygons, and points spread over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Polygon = NDArray[np.float64]
Point = tuple[float, float]

# Of `spread_points`: grid points along a side, rounds until the cells are stable, and pixels.
_GRID, _ROUNDS, _LEAST_EXTENT = 32, 20, 1.0
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


def spread_points(polygon: Polygon, count: int) -> Polygon:
    """Return points inside a polygon [K, 2] that are spread evenly over its area, [count, 2].

    They are the centres of the final cells of Lloyd's algorithm on a grid over the polygon. The
    same polygon always has the same points.

    Raises:
        ValueError: it encloses no area, or almost none.
    """
    grid = _inner_grid(polygon)
    if len(grid) < 2 * count:
        raise ValueError('the corners enclose next to no area. Draw them further apart')
    chosen = [0]
    distances = np.full(len(grid), np.inf)
    for _ in range(count - 1):
        distances = np.minimum(distances, ((grid - grid[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(distances.argmax()))
    centres = grid[chosen]
    for _ in range(_ROUNDS):
        cells = _squared_distances(grid, centres).argmin(1)
        centres = np.stack([_middle(grid[cells == cell]) for cell in range(count)])
    return centres


def _inner_grid(polygon: Polygon) -> Polygon:
    """Return the points of a grid over the extent of a polygon that lie inside it, [N, 2]."""
    low, high = polygon.min(0), polygon.max(0)
    if (high - low).min() < _LEAST_EXTENT:
        return np.empty((0, 2))
    steps = (np.arange(_GRID) + 0.5) / _GRID
    x, y = np.meshgrid(*(low[:, None] + (high - low)[:, None] * steps))
    grid = np.stack((x.ravel(), y.ravel()), axis=1)
    return np.asarray(grid[contained(polygon, grid)])


def _squared_distances(points: Polygon, others: Polygon) -> NDArray[np.float64]:
    """Compute the squared distances of points [N, 2] and [M, 2], [N, M]."""
    return np.asarray(((points[:, None] - others) ** 2).sum(-1))


def _middle(cell: Polygon) -> Polygon:
    """Return the point of a cell [N, 2] that is nearest to its centre, which may lie outside."""
    return np.asarray(cell[_squared_distances(cell, cell.mean(0, keepdims=True)).argmin()])
