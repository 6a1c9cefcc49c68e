# SPDX-License-Identifier: Apache-2.0
"""Markers of results for RViz and Foxglove."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.messages.factory import MessageFactory
from afformer_core.outputs.affordance import point_message

if TYPE_CHECKING:
    from afformer_core.outputs.results import StreamedGrounding

# Constants of visualization_msgs/Marker.
ARROW, SPHERE, LINE_STRIP, TEXT = 0, 2, 4, 9
ADD, DELETE_ALL = 0, 3

_NAMESPACE = 'afformer'
_BEST_COLOUR = (1.0, 0.25, 0.25, 1.0)
_OTHER_COLOUR = (1.0, 1.0, 1.0, 0.8)
_TEXT_COLOUR = (1.0, 1.0, 1.0, 1.0)
_BORDER_COLOUR = (0.8, 0.8, 0.8, 0.8)
_HELD_OPACITY = 0.5

_TEXT_HEIGHT = 0.04  # metres
# Dimensions of the arrow towards a surface, in metres.
_ARROW_LENGTH, _SHAFT, _HEAD, _HEAD_LENGTH = 0.1, 0.008, 0.016, 0.025
_MOTION_NAMESPACE = 'motion'
_MOTION_COLOUR = (0.2, 1.0, 0.4, 1.0)
# Metres: length of the arrow along a translation, and thickness of all arrows.
_MOTION_LENGTH, _MOTION_SHAFT, _MOTION_HEAD, _MOTION_HEAD_LENGTH = 0.12, 0.008, 0.02, 0.03
# Arc about the axis of a rotation: radius in metres, angle in radians, and metres in front of the
# surface.
_ARC_RADIUS, _ARC_ANGLE, _ARC_LINE, _ARC_IN_FRONT = 0.05, math.radians(280), 0.006, 0.02
_ARC_STEPS = 28


@dataclass(frozen=True)
class MarkerPen:
    """A factory of the markers of one result.

    Attributes:
        factory: creates the messages.
        header: header of all markers.
        opacity: factor of the opacity of every colour, 0 to 1.
        namespace: namespace of the markers, in which their numbers are unique.
    """

    factory: MessageFactory
    header: Any
    opacity: float
    namespace: str

    def mark(
        self,
        number: int,
        kind: int,
        colour: tuple[float, float, float, float],
        scale: tuple[float, float, float],
        **fields: Any,
    ) -> Any:
        """Create a visualization_msgs/Marker.

        Args:
            number: its number, unique in the namespace.
            kind: its type, such as ARROW.
            colour: red, green, blue and opacity, 0 to 1.
            scale: (x, y, z) metres, whose meaning depends on the type.
            fields: other fields of the message.
        """
        red, green, blue, alpha = colour
        create = self.factory.create
        return create(
            'visualization_msgs/msg/Marker',
            header=self.header,
            ns=self.namespace,
            id=number,
            type=kind,
            action=ADD,
            color=create('std_msgs/msg/ColorRGBA', r=red, g=green, b=blue, a=alpha * self.opacity),
            scale=create('geometry_msgs/msg/Vector3', x=scale[0], y=scale[1], z=scale[2]),
            **fields,
        )

    def point(self, position: NDArray[np.float64]) -> Any:
        """Create a geometry_msgs/Point of [3] metres."""
        return point_message(self.factory, position)

    def pose(self, position: NDArray[np.float64]) -> Any:
        """Create a geometry_msgs/Pose at [3] metres, without a rotation."""
        return self.factory.create('geometry_msgs/msg/Pose', position=self.point(position))


@dataclass(frozen=True)
class _MarkedPoint:
    """A point to show.

    Attributes:
        number: from 1, best first.
        position: [3], metres.
        normal: [3] or None.
        text: text beside it.
    """

    number: int
    position: NDArray[np.float64]
    normal: NDArray[np.float64] | None
    text: str


def marker_messages(
    factory: MessageFactory,
    result: StreamedGrounding,
    motions: Sequence[PartMotion],
    header: Any,
    position_header: Any,
    image_size: tuple[int, int],
) -> Any:
    """Create a visualization_msgs/MarkerArray that replaces the previous one.

    Points with a known position are shown there, with an arrow along the approach if the normal is
    also known. The namespace `motion` shows the motion of the action at the best of them (see
    `_motion_markers`). If no position is known, the points are shown on the image plane: 1 m wide,
    1 m in front of the optical frame of the header (x right, y down, z ahead), with the aspect
    ratio of the image. Held results are half transparent. If the model abstained, nothing is
    shown.

    Args:
        factory: creates the messages.
        result: result of one image.
        motions: motion of the best action at each of its peaks.
        header: header of the image in which the result was measured, which is an earlier image for
            a held result.
        position_header: frame and stamp in which the surfaces of the result are given.
        image_size: (height, width) of the image.
    """
    erase = factory.create(
        'visualization_msgs/msg/Marker', header=header, ns=_NAMESPACE, action=DELETE_ALL
    )
    markers = [erase]
    if result.found:
        opacity = _HELD_OPACITY if result.age > 0 else 1.0
        points = _points_in_space(result)
        if points:
            frame = position_header
            best = points[0].number - 1
            pen = MarkerPen(factory, frame, opacity, _MOTION_NAMESPACE)
            markers += _motion_markers(pen, result.surfaces[best], motions[best])
        else:
            frame = header
            points = _points_on_plane(result, image_size)
            markers.append(_border(MarkerPen(factory, header, opacity, _NAMESPACE), image_size))
        for point in points:
            markers += _point_markers(MarkerPen(factory, frame, opacity, _NAMESPACE), point)
    return factory.create('visualization_msgs/msg/MarkerArray', markers=markers)


def _points_in_space(result: StreamedGrounding) -> list[_MarkedPoint]:
    return [
        _MarkedPoint(number, surface.position, surface.normal, _text(result, number))
        for number, surface in enumerate(result.surfaces, start=1)
        if surface.position is not None
    ]


def _points_on_plane(result: StreamedGrounding, image_size: tuple[int, int]) -> list[_MarkedPoint]:
    return [
        _MarkedPoint(number, _on_plane(peak.u, peak.v, image_size), None, _text(result, number))
        for number, peak in enumerate(result.grounding.peaks, start=1)
    ]


def _text(result: StreamedGrounding, number: int) -> str:
    text = f'{number}: {result.grounding.peaks[number - 1].score:.2f}'
    if number > 1:
        return text
    answer = result.grounding.answer
    return f'{answer}\n{text}' if answer else text


def _on_plane(u: float, v: float, image_size: tuple[int, int]) -> NDArray[np.float64]:
    height, width = image_size
    return np.array([(u + 0.5) / width - 0.5, (v + 0.5 - height / 2) / width, 1.0])


def _border(pen: MarkerPen, image_size: tuple[int, int]) -> Any:
    height, width = image_size
    right, bottom = width - 0.5, height - 0.5
    corners = ((-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom), (-0.5, -0.5))
    points = [pen.point(_on_plane(u, v, image_size)) for u, v in corners]
    return pen.mark(0, LINE_STRIP, _BORDER_COLOUR, (0.004, 0.0, 0.0), points=points)


def _point_markers(pen: MarkerPen, point: _MarkedPoint) -> list[Any]:
    best = point.number == 1
    size = 0.04 if best else 0.025
    colour = _BEST_COLOUR if best else _OTHER_COLOUR
    identifier = 3 * point.number
    # Above the point in the image, in any frame; away from the surface if it is known.
    beside = np.array([0.0, -0.05, 0.0])
    if point.normal is not None:
        beside = point.normal * (_ARROW_LENGTH + 0.03)
    markers = [
        pen.mark(identifier, SPHERE, colour, (size, size, size), pose=pen.pose(point.position)),
        pen.mark(
            identifier + 1,
            TEXT,
            _TEXT_COLOUR,
            # RViz derives the width of a space from x, and uses a metre if that is 0.
            (_TEXT_HEIGHT / 2, 0.0, _TEXT_HEIGHT),
            pose=pen.pose(point.position + beside),
            text=point.text,
        ),
    ]
    if point.normal is not None:
        start = point.position + point.normal * _ARROW_LENGTH
        markers.append(
            pen.mark(
                identifier + 2,
                ARROW,
                colour,
                (_SHAFT, _HEAD, _HEAD_LENGTH),
                points=[pen.point(start), pen.point(point.position)],
            )
        )
    return markers


def _motion_markers(pen: MarkerPen, surface: SurfacePoint, motion: PartMotion) -> list[Any]:
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
        begin = position if direction @ normal >= 0 else position - _MOTION_LENGTH * direction
        return [_motion_arrow(pen, 0, begin, begin + _MOTION_LENGTH * direction)]
    points = _arc(position + _ARC_IN_FRONT * normal, direction)
    line = [pen.point(point) for point in points]
    along = (points[-1] - points[-2]) / np.linalg.norm(points[-1] - points[-2])
    return [
        pen.mark(0, LINE_STRIP, _MOTION_COLOUR, (_ARC_LINE, 0.0, 0.0), points=line),
        _motion_arrow(pen, 1, points[-1], points[-1] + 1.2 * _MOTION_HEAD_LENGTH * along),
    ]


def _motion_arrow(
    pen: MarkerPen, number: int, begin: NDArray[np.float64], end: NDArray[np.float64]
) -> Any:
    points = [pen.point(begin), pen.point(end)]
    return pen.mark(
        number,
        ARROW,
        _MOTION_COLOUR,
        (_MOTION_SHAFT, _MOTION_HEAD, _MOTION_HEAD_LENGTH),
        points=points,
    )


def _arc(centre: NDArray[np.float64], axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points [N, 3] of an arc about an axis, in order by the right-hand rule."""
    least = np.eye(3)[int(np.argmin(np.abs(axis)))]
    first = np.cross(axis, least)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    angles = np.linspace(0, _ARC_ANGLE, _ARC_STEPS)[:, None]
    return np.asarray(centre + _ARC_RADIUS * (np.cos(angles) * first + np.sin(angles) * second))
