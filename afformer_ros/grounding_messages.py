# SPDX-License-Identifier: Apache-2.0
"""Messages that carry a grounding."""

from __future__ import annotations

from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from afformer_core.runtime import Grounding, Peak
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint

_NAMESPACE = 'afformer'


def affordance_message(
    grounding: Grounding, demonstration: str, header: Header, minimum_confidence: float
) -> Affordance:
    """The grounding as numbers; without points where it is less confident than asked for."""
    found = grounding.confidence >= minimum_confidence and bool(grounding.peaks)
    message = Affordance()
    message.header = header
    message.demonstration = demonstration
    message.found = found
    message.confidence = grounding.confidence
    message.actions = [
        ActionScore(name=name, score=score) for name, score in grounding.action_scores.items()
    ]
    message.points = [
        AffordancePoint(u=peak.u, v=peak.v, score=peak.score)
        for peak in (grounding.peaks if found else ())
    ]
    return message


def marker_messages(affordance: Affordance, width: int, height: int) -> MarkerArray:
    """The points on the image plane, for RViz.

    No camera is calibrated here, so the image is shown as a plane 1 m wide, 1 m in front of the
    optical frame of the header (x right, y down, z ahead), in its own proportions.

    Args:
        affordance: what to show.
        width: of the source image, in pixels.
        height: of the source image, in pixels.
    """
    header = affordance.header
    erase = Marker(header=header, ns=_NAMESPACE, action=Marker.DELETEALL)
    markers = [erase, _border(header, width, height)]
    for number, point in enumerate(affordance.points):
        place = _on_plane(point.u, point.v, width, height)
        markers.append(_sphere(header, 2 * number + 1, place, best=number == 0))
        text = f'{number + 1}: {point.score:.2f}'
        if number == 0:
            text = f'{affordance.actions[0].name} {affordance.actions[0].score:.2f}\n{text}'
        markers.append(_text(header, 2 * number + 2, place, text))
    return MarkerArray(markers=markers)


def peaks_of(affordance: Affordance) -> tuple[Peak, ...]:
    """The points of a message as peaks."""
    return tuple(Peak(u=point.u, v=point.v, score=point.score) for point in affordance.points)


def _on_plane(u: float, v: float, width: int, height: int) -> Point:
    return Point(x=(u + 0.5) / width - 0.5, y=(v + 0.5 - height / 2) / width, z=1.0)


def _border(header: Header, width: int, height: int) -> Marker:
    marker = _marker(header, 0, Marker.LINE_STRIP, (0.8, 0.8, 0.8, 0.8))
    marker.scale.x = 0.004
    right, bottom = width - 0.5, height - 0.5
    corners = ((-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom), (-0.5, -0.5))
    marker.points = [_on_plane(u, v, width, height) for u, v in corners]
    return marker


def _sphere(header: Header, number: int, place: Point, best: bool) -> Marker:
    colour = (1.0, 0.25, 0.25, 1.0) if best else (1.0, 1.0, 1.0, 0.8)
    marker = _marker(header, number, Marker.SPHERE, colour)
    marker.pose.position = place
    marker.scale.x = marker.scale.y = marker.scale.z = 0.04 if best else 0.025
    return marker


def _text(header: Header, number: int, place: Point, text: str) -> Marker:
    marker = _marker(header, number, Marker.TEXT_VIEW_FACING, (1.0, 1.0, 1.0, 1.0))
    marker.pose.position = Point(x=place.x, y=place.y - 0.05, z=place.z)
    marker.scale.z = 0.04
    marker.text = text
    return marker


def _marker(
    header: Header, number: int, kind: int, colour: tuple[float, float, float, float]
) -> Marker:
    marker = Marker(header=header, ns=_NAMESPACE, id=number, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    red, green, blue, alpha = colour
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=alpha)
    return marker
