# SPDX-License-Identifier: Apache-2.0
"""Tubes along a curved line: forearms, sleeves, straps and rings."""

from __future__ import annotations

import numpy as np


def tube_faces(rings: int, segments: int) -> np.ndarray:
    """Return the triangles of a tube of rings of vertices: int64 [F, 3].

    Each ring repeats its first vertex at its end, so that a texture can be wrapped around it.

    Args:
        rings: number of rings.
        segments: number of segments of a ring, of `segments` + 1 vertices.
    """
    width = segments + 1
    ring = np.arange(rings - 1)[:, None]
    step = np.arange(segments)[None, :]
    here, there = ring * width + step, (ring + 1) * width + step
    first = np.stack([here, there, there + 1], axis=-1)
    second = np.stack([here, there + 1, here + 1], axis=-1)
    return np.concatenate([first, second], axis=1).reshape(-1, 3)


def tube_coordinates(rings: int, segments: int) -> np.ndarray:
    """Return texture coordinates of a tube: float64 [V, 2], around and along it, each 0 to 1."""
    along, around = np.meshgrid(
        np.linspace(0, 1, rings), np.linspace(0, 1, segments + 1), indexing='ij'
    )
    return np.stack([around, along], axis=-1).reshape(-1, 2)


def tube_normals(grid: np.ndarray) -> np.ndarray:
    """Return unit normals of a tube's vertices, float64 [rings, segments + 1, 3].

    Args:
        grid: float64 [rings, segments + 1, 3]; seen from the tube's beginning, rings run
            clockwise.
    """
    along = np.gradient(grid, axis=0)
    around = np.empty_like(grid)
    around[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    around[:, 0] = around[:, -1] = grid[:, 1] - grid[:, -2]
    normals = np.cross(along, around)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(normals / np.maximum(lengths, 1e-12))


def bezier(points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return points of a quadratic Bezier curve with 3 control points [3, 3]: [len(times), 3]."""
    t = times[:, None]
    curve: np.ndarray = (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]
    return curve


def carry_frames(curve: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Carry a direction along a curve without twisting it.

    Args:
        curve: float64 [N, 3].
        across: [3], direction across the curve at its beginning.

    Returns:
        Two unit vectors across the curve at each point, float64 [N, 3] each: `across`, and the one
        perpendicular to it and to the curve.
    """
    tangents = np.gradient(curve, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    first = np.empty_like(curve)
    current = across
    for index, tangent in enumerate(tangents):
        current = current - (current @ tangent) * tangent
        current = current / max(float(np.linalg.norm(current)), 1e-9)
        first[index] = current
    return first, np.cross(first, tangents)
