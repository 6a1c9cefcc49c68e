# SPDX-License-Identifier: Apache-2.0
"""The direction in which an action moves the part at a point, or the axis of its rotation.

A part is pushed, pulled or turned along the normal of the plane around it. A handle is a rod,
whose normal may point in any direction across it. It moves along the normal of the front on which
it is mounted, which is the largest plane around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.camera import Calibration, DepthImage, DepthSettings
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime.demonstration import Sense, ShownRotation
from afformer_core.runtime.peaks import Peak


class ActionKind(Enum):
    """Kinds of actions by the motion of the operated part."""

    STAY = auto()
    PUSH = auto()
    PULL = auto()
    LIFT = auto()
    LOWER = auto()
    TURN = auto()
    TURN_CLOCKWISE = auto()
    TURN_COUNTERCLOCKWISE = auto()


_TURNING = ('rotate', 'turn', 'twist')
_CLOCKWISE = ('clockwise',)
_COUNTERCLOCKWISE = ('counterclockwise', 'counter clockwise', 'anticlockwise')
# An action with another name, such as open, may move the part in any way.
ACTION_NAMES = {
    ActionKind.STAY: ('touch', 'hold', 'tap'),
    ActionKind.PUSH: ('push', 'press', 'push in'),
    ActionKind.PULL: ('pull', 'pull out'),
    ActionKind.LIFT: ('pick up', 'lift', 'raise'),
    ActionKind.LOWER: ('put down', 'lower', 'place', 'set down'),
    ActionKind.TURN: _TURNING,
    ActionKind.TURN_CLOCKWISE: tuple(f'{a} {b}' for a in _TURNING for b in _CLOCKWISE),
    ActionKind.TURN_COUNTERCLOCKWISE: tuple(
        f'{a} {b}' for a in _TURNING for b in _COUNTERCLOCKWISE
    ),
}
_KINDS = {name: kind for kind, names in ACTION_NAMES.items() for name in names}


def action_kind(name: str) -> ActionKind | None:
    """Return the kind of an action of a model's vocabulary; None for a name not in the table.

    Case is ignored, and '_' and '-' count as spaces: 'Turn_clockwise' is 'turn clockwise'.
    """
    return _KINDS.get(' '.join(name.lower().replace('_', ' ').replace('-', ' ').split()))


class MotionType(IntEnum):
    """Types of motion of AffordancePoint."""

    STILL = 0
    TRANSLATION = 1
    ROTATION = 2


@dataclass(frozen=True)
class PartMotion:
    """The motion of the part at a point under an action, or the reason why it is unknown.

    Attributes:
        type: type of motion; STILL if the motion is unknown.
        direction: float64 [3], unit length: direction in which the part moves, or in which the
            hand presses if the part stays, or axis of rotation by the right-hand rule; None if
            unknown.
        problem: reason why it is unknown, one sentence; '' if it is known.
    """

    type: MotionType
    direction: NDArray[np.float64] | None
    problem: str

    @classmethod
    def unknown(cls, problem: str) -> PartMotion:
        """Return an unknown motion, with the reason."""
        return cls(MotionType.STILL, None, problem)


@dataclass(frozen=True)
class Vertical:
    """The direction against gravity, or the reason why it is unknown.

    Attributes:
        up: float64 [3], unit length, in the frame of positions; None if unknown.
        problem: reason why it is unknown, one sentence; '' if it is known.
    """

    up: NDArray[np.float64] | None
    problem: str


UNKNOWN_VERTICAL = Vertical(
    None,
    'it is not known which way is up; set vertical_frame to a frame whose z axis points up, such '
    'as base_link',
)


def point_motion(
    action: str, surface: SurfacePoint, vertical: Vertical, rotation: ShownRotation
) -> PartMotion:
    """Return the motion of the part at a surface point, in the frame of the point.

    A touched part stays, and the hand presses into the surface. A pushed part moves into the
    surface, and a pulled part out of it, along the normal. A part that is picked up or put down
    moves against or along gravity. A rotated part turns about the normal.

    Args:
        action: name of the action, see `action_kind`; '' for a model without actions.
        surface: surface point, with its normal towards the camera.
        vertical: direction against gravity in the same frame.
        rotation: direction of rotation that the demonstration shows.
    """
    kind = action_kind(action)
    if kind is None:
        told = (
            f'the motion of the action {action!r} is not known; the page on the direction of '
            'motion lists the known names'
        )
        return PartMotion.unknown(told if action else 'the model has no actions')
    if surface.position is None:
        return PartMotion.unknown(surface.problem)
    if kind in (ActionKind.LIFT, ActionKind.LOWER):
        if vertical.up is None:
            return PartMotion.unknown(vertical.problem)
        up = vertical.up
        return PartMotion(MotionType.TRANSLATION, up if kind is ActionKind.LIFT else -up, '')
    if surface.normal is None:
        return PartMotion.unknown('the normal of the surface is not known')
    if kind is ActionKind.STAY:
        return PartMotion(MotionType.STILL, -surface.normal, '')
    if kind is ActionKind.PUSH:
        return PartMotion(MotionType.TRANSLATION, -surface.normal, '')
    if kind is ActionKind.PULL:
        return PartMotion(MotionType.TRANSLATION, surface.normal, '')
    return _turn(kind, surface.normal, rotation)


def _turn(kind: ActionKind, normal: NDArray[np.float64], rotation: ShownRotation) -> PartMotion:
    named = {
        ActionKind.TURN_CLOCKWISE: Sense.CLOCKWISE,
        ActionKind.TURN_COUNTERCLOCKWISE: Sense.COUNTERCLOCKWISE,
    }
    sense = named.get(kind, rotation.sense)
    if sense is None:
        return PartMotion.unknown(rotation.problem)
    # clockwise as seen along the axis, which points into the surface
    axis = -normal if sense is Sense.CLOCKWISE else normal
    return PartMotion(MotionType.ROTATION, axis, '')


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
    settings: DepthSettings,
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
    limit = max(_LEAST_DISTANCE, _DEVIATIONS * settings.depth_noise * float(surface.position[2]))
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
    settings: DepthSettings,
) -> NDArray[np.float64]:
    """Return the points [N, 3] of the depth image within the radius around a position."""
    height, width = depth.size
    scale = width / calibration.width
    distance = max(float(position[2]), settings.nearest_depth)
    reach = math.ceil(_RADIUS * calibration.focal_length * scale / distance)
    u, v = ((at + 0.5) * scale - 0.5 for at in (peak.u, peak.v))
    step = max(1, math.isqrt(4 * reach * reach // _MOST_POINTS))
    rows = np.arange(max(0, round(v) - reach), min(height, round(v) + reach + 1), step)
    columns = np.arange(max(0, round(u) - reach), min(width, round(u) + reach + 1), step)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    distances = depth.values[grid[:, 1], grid[:, 0]]
    valid = settings.cover(distances)
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
