# SPDX-License-Identifier: Apache-2.0
"""Markers of the motion of a part under an action: an arrow, or an arc with a direction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.marker_pen import ARROW, LINE_STRIP, MarkerPen

MOTION_NAMESPACE = 'motion'
_COLOUR = (0.2, 1.0, 0.4, 1.0)
# Metres: length of the arrow along a translation, and thickness of all arrows.
_LENGTH, _SHAFT, _HEAD, _HEAD_LENGTH = 0.12, 0.008, 0.02, 0.03
# Arc about the axis of a rotation: radius in metres, angle in radians, and metres in front of the
# surface.
_RADIUS, _ANGLE, _LINE, _IN_FRONT = 0.05, math.radians(280), 0.006, 0.02
_STEPS = 28


def motion_markers(pen: MarkerPen, surface: SurfacePoint, motion: PartMotion) -> list[Any]:
    """Create the markers of a motion at a point of a surface.

    A translation is an arrow that starts at the point, or ends at it if it points into the
    surface, so that it is visible. A rotation is an arc around its axis in front of the surface,
    with an arrowhead in the direction of rotation. Nothing is shown if the part stays or its
    motion is unknown.
    """
    position, direction = surface.position, motion.direction
    if position is None or direction is None or motion.type is MotionType.STILL:
        return []
    normal = direction if surface.normal is None else surface.normal
    if motion.type is MotionType.TRANSLATION:
        begin = position if direction @ normal >= 0 else position - _LENGTH * direction
        return [_arrow(pen, 0, begin, begin + _LENGTH * direction)]
    points = _arc(position + _IN_FRONT * normal, direction)
    line = [pen.point(point) for point in points]
    along = (points[-1] - points[-2]) / np.linalg.norm(points[-1] - points[-2])
    return [
        pen.mark(0, LINE_STRIP, _COLOUR, (_LINE, 0.0, 0.0), points=line),
        _arrow(pen, 1, points[-1], points[-1] + 1.2 * _HEAD_LENGTH * along),
    ]


def _arrow(
    pen: MarkerPen, number: int, begin: NDArray[np.float64], end: NDArray[np.float64]
) -> Any:
    points = [pen.point(begin), pen.point(end)]
    return pen.mark(number, ARROW, _COLOUR, (_SHAFT, _HEAD, _HEAD_LENGTH), points=points)


def _arc(centre: NDArray[np.float64], axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points [N, 3] of an arc about an axis, in order by the right-hand rule."""
    least = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, least)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    angles = np.linspace(0, _ANGLE, _STEPS)[:, None]
    return np.asarray(centre + _RADIUS * (np.cos(angles) * first + np.sin(angles) * second))
