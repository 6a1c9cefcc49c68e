# SPDX-License-Identifier: Apache-2.0
"""Direction in which an action moves the part at a point, or about which it turns it."""

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
class Motion:
    """Motion that an action gives to the part at a point, or the reason why it is unknown.

    Attributes:
        type: STILL where the motion is unknown.
        direction: float64 [3], unit length: along which the part moves, or the hand presses where
            the part stays, or about which it turns by the right-hand rule; None if unknown.
        problem: one sentence why it is unknown; '' if it is known.

    Raises:
        ValueError: the attributes contradict each other, or the direction has no unit length.
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
    def unknown(cls, problem: str) -> Motion:
        """Return an unknown motion, for a reason."""
        return cls(MotionType.STILL, None, problem)


@dataclass(frozen=True)
class Vertical:
    """Direction against gravity, or the reason why it is unknown.

    Attributes:
        up: float64 [3], unit length, in the frame of positions; None if unknown.
        problem: one sentence why it is unknown; '' if it is known.

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
) -> Motion:
    """Return the motion of the part at a surface point, in the frame of the point.

    A part that is touched stays, and the hand presses into the surface; what is pushed moves into
    it, what is pulled out of it along its normal, what is picked up or put down against or along
    gravity. What is rotated turns about the normal.

    Args:
        action: name of the action, see `action_kind`; '' for a model that has none.
        surface: surface point, its normal towards the camera.
        vertical: direction against gravity in the same frame.
        rotation: sense of a rotation as the demonstration shows it.
    """
    kind = action_kind(action)
    if kind is None:
        told = (
            f'the motion of the action {action!r} is not known; the page on the direction of '
            'motion has names that are'
        )
        return Motion.unknown(told if action else 'the model has no actions')
    if surface.position is None:
        return Motion.unknown(surface.problem)
    if kind in (ActionKind.LIFT, ActionKind.LOWER):
        if vertical.up is None:
            return Motion.unknown(vertical.problem)
        up = vertical.up
        return Motion(MotionType.TRANSLATION, up if kind is ActionKind.LIFT else -up, '')
    if surface.normal is None:
        return Motion.unknown('the normal of the surface is not known')
    if kind is ActionKind.STAY:
        return Motion(MotionType.STILL, -surface.normal, '')
    if kind is ActionKind.PUSH:
        return Motion(MotionType.TRANSLATION, -surface.normal, '')
    if kind is ActionKind.PULL:
        return Motion(MotionType.TRANSLATION, surface.normal, '')
    return _turn(kind, surface.normal, rotation)


def _turn(kind: ActionKind, normal: NDArray[np.float64], rotation: ShownRotation) -> Motion:
    named = {
        ActionKind.TURN_CLOCKWISE: Sense.CLOCKWISE,
        ActionKind.TURN_COUNTERCLOCKWISE: Sense.COUNTERCLOCKWISE,
    }
    sense = named.get(kind, rotation.sense)
    if sense is None:
        return Motion.unknown(rotation.problem)
    # clockwise for who looks along the axis, which is into the surface
    axis = -normal if sense is Sense.CLOCKWISE else normal
    return Motion(MotionType.ROTATION, axis, '')
