# SPDX-License-Identifier: Apache-2.0
"""Meshes of the forearm, from the hand's opening at the wrist to the elbow, and of a sleeve.

They are tubes along a curved line, like straps and rings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEGMENTS = 24
ARM_RINGS = 22
SLEEVE_RINGS = 36
# Half axes of the forearm across and through the hand's plane, metres, and their positions along
# it.
_STATIONS = (0.0, 0.15, 0.45, 0.8, 1.0)
_ACROSS = (0.027, 0.0275, 0.036, 0.043, 0.042)
_THROUGH = (0.020, 0.0225, 0.031, 0.039, 0.040)
# The last rings close the arm behind the elbow.
_DOME = 4
_DOME_LENGTH = 0.12


@dataclass(frozen=True)
class Forearm:
    """Line of a forearm from the wrist to the elbow.

    Attributes:
        border: float64 [K, 3] metres, the hand's opening at the wrist, in order.
        control: float64 [3, 3] metres, control points of the arm's Bezier curve.
        across: [3], unit vector across the hand.
        scale: size of the hand.
    """

    border: np.ndarray
    control: np.ndarray
    across: np.ndarray
    scale: float


def arm_grid(arm: Forearm) -> np.ndarray:
    """Return the forearm's vertices: float64 [ARM_RINGS, SEGMENTS + 1, 3]."""
    times = _times(ARM_RINGS, 0.0)
    curve, first, second = _line(arm, times)
    radii = _radii(times) * arm.scale * _dome(ARM_RINGS)[:, None]
    grid = _rings(curve, first, second, radii)
    # the first ring is the opening itself, from which the following ones grow
    opening = _around(arm.border, curve[0], first[0], second[0])
    shift = opening - grid[0]
    for ring in range(6):
        grid[ring] += shift * (1 - ring / 6) ** 2
    return grid


def sleeve_grid(arm: Forearm, start: float, folds: np.ndarray, width: float) -> np.ndarray:
    """Return a sleeve's vertices: float64 [SLEEVE_RINGS, SEGMENTS + 1, 3].

    Args:
        arm: the forearm inside it.
        start: position of the cuff, as a share of the way from wrist to elbow.
        folds: float64 [SLEEVE_RINGS, SEGMENTS + 1], relief of the cloth in metres.
        width: distance of the cloth from the skin, metres.
    """
    times = _times(SLEEVE_RINGS, start)
    curve, first, second = _line(arm, times)
    radii = (_radii(times) + width) * arm.scale
    # the cuff's edge is turned in, which gives it a thickness
    radii[0] -= min(width, 0.003)
    radii *= _dome(SLEEVE_RINGS)[:, None]
    relief = folds * arm.scale * np.minimum(1, np.arange(SLEEVE_RINGS) / 4)[:, None]
    return _rings(curve, first, second, radii, relief * (_dome(SLEEVE_RINGS) > 0.5)[:, None])


def band_grid(arm: Forearm, position: float, width: float, thickness: float) -> np.ndarray:
    """Return a band around the arm, such as a watch strap: float64 [5, SEGMENTS + 1, 3].

    Args:
        position: middle of the band as a share of the way from wrist to elbow.
        width, thickness: of the band, metres.
    """
    half = width / 2 / 0.26
    times = np.clip(position + half * np.array([-1.0, -0.9, 0.0, 0.9, 1.0]), 0, 1)
    curve, first, second = _line(arm, times)
    above = thickness * np.array([-0.5, 1.0, 1.15, 1.0, -0.5])
    return _rings(curve, first, second, (_radii(times) + above[:, None]) * arm.scale)


def _times(rings: int, start: float) -> np.ndarray:
    along = np.linspace(start, 1.0, rings - _DOME)
    return np.concatenate([along, 1.0 + _DOME_LENGTH * np.array([0.45, 0.75, 0.93, 1.0])])


def _dome(rings: int) -> np.ndarray:
    sizes = np.ones(rings)
    sizes[-_DOME:] = [0.89, 0.66, 0.37, 0.02]
    return sizes


def _radii(times: np.ndarray) -> np.ndarray:
    """Return half axes across and through the hand's plane, float64 [N, 2] metres."""
    return np.column_stack([np.interp(times, _STATIONS, axis) for axis in (_ACROSS, _THROUGH)])


def _line(arm: Forearm, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arm's middle line at some times and two directions across it, [N, 3] each."""
    fine = np.linspace(0, 1 + _DOME_LENGTH, 64)
    curve = bezier(arm.control, fine)
    first, second = carry_frames(curve, arm.across)

    def at(values: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(times, fine, values[:, axis]) for axis in range(3)], axis=1)

    return at(curve), at(first), at(second)


def _rings(
    curve: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    radii: np.ndarray,
    relief: np.ndarray | float = 0.0,
) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, SEGMENTS + 1)
    cosine, sine = np.cos(angles)[None, :, None], np.sin(angles)[None, :, None]
    raised = np.broadcast_to(relief, (len(curve), len(angles)))[..., None]
    across = radii[:, 0, None, None] + raised
    through = radii[:, 1, None, None] + raised
    grid: np.ndarray = (
        curve[:, None] + across * cosine * first[:, None] + through * sine * second[:, None]
    )
    return grid


def _around(
    border: np.ndarray, centre: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Return the points of a closed line at the angles of a ring: [SEGMENTS + 1, 3]."""
    local = border - centre
    angles = np.arctan2(local @ second, local @ first) % (2 * np.pi)
    order = np.argsort(angles)
    sampled = np.linspace(0, 2 * np.pi, SEGMENTS + 1)
    angles, border = angles[order], border[order]
    points = [np.interp(sampled, angles, axis, period=2 * np.pi) for axis in border.T]
    return np.stack(points, axis=1)


def tube_faces(rings: int) -> np.ndarray:
    """Return the triangles of a tube of rings of `SEGMENTS` + 1 vertices: int64 [F, 3].

    Each ring repeats its first vertex at its end, so that a texture can be wrapped around it.
    """
    width = SEGMENTS + 1
    ring = np.arange(rings - 1)[:, None]
    step = np.arange(SEGMENTS)[None, :]
    here, there = ring * width + step, (ring + 1) * width + step
    first = np.stack([here, there, there + 1], axis=-1)
    second = np.stack([here, there + 1, here + 1], axis=-1)
    return np.concatenate([first, second], axis=1).reshape(-1, 3)


def tube_coordinates(rings: int) -> np.ndarray:
    """Return texture coordinates of a tube: float64 [V, 2], around and along it, each 0 to 1."""
    grid = np.meshgrid(np.linspace(0, 1, SEGMENTS + 1), np.linspace(0, 1, rings))
    return np.stack(grid, axis=-1).reshape(-1, 2)


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
    return np.asarray((1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2])


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
