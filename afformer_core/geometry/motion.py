# SPDX-License-Identifier: Apache-2.0
"""The direction in which an action moves the part at a point, or the axis of its rotation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.action_kind import ActionKind, action_kind
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime.rotation.shown_rotation import Sense, ShownRotation


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

    Raises:
        ValueError: the attributes contradict each other, or the direction does not have unit
            length.
    """

    type: MotionType
    direction: NDArray[np.float64] | None
    problem: str

    def __post_init__(self) -> None:
        if (self.direction is None) != bool(self.problem):
            raise ValueError(
                f'direction is {self.direction} and problem {self.problem!r}; expected one of both'
            )
        if self.direction is None:
            if self.type is not MotionType.STILL:
                raise ValueError(f'type is {self.type}; expected STILL without a direction')
        elif not abs(float(np.linalg.norm(self.direction)) - 1) < 1e-6:
            raise ValueError(f'direction is {self.direction.tolist()}; expected unit length')

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

    Raises:
        ValueError: there is a direction and a problem, or neither.
    """

    up: NDArray[np.float64] | None
    problem: str

    def __post_init__(self) -> None:
        if (self.up is None) != bool(self.problem):
            raise ValueError(f'up is {self.up} and problem {self.problem!r}; expected one of both')


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
