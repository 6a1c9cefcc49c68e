# SPDX-License-Identifier: Apache-2.0
"""A point at which an arm should act, what it feels there, and errors if it cannot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.actions import ACTIONS
from afformer_core.errors import AfformerError

# Maximum difference between the length of a direction and 1.
_UNIT = 1e-3


class UnreachableError(AfformerError):
    """Raised if the arm cannot reach a pose, or only with a jump of its joints."""


class BlockedError(UnreachableError):
    """Raised if the arm was stopped on the way to a pose."""


class UnknownActionError(AfformerError):
    """Raised if the arm has no skill for an action."""


@dataclass(frozen=True)
class ArmContact:
    """Where and how to act, in the frame of the arm's base.

    Attributes:
        action: one of `ACTIONS`.
        point: float64 [3] metres, on the surface.
        normal: float64 [3], of length 1, out of the surface.
        motion: float64 [3], of length 1: the direction in which the part moves, or the axis about
            which it turns, by the right-hand rule; None if it is not known.
        pixel: (x, y) of the point in the image; None if it is not known.
        closing: float64 [3], of length 1, along which the fingers close; None if it is not known.
        width: metres between the fingers at the part; None if it is not known.
        depth: metres behind the point at which a gripper closes, unless it is stopped before.
        lead: metres by which the commanded tip leads a part that is pulled or pushed; an arm
            with impedance control turns it into force.
        camera: float64 [3] metres, position of the camera that saw the point; None if it is not
            known.

    Raises:
        UnknownActionError: the action is not supported.
        ValueError: a number is not finite, or a direction does not have length 1.
    """

    action: str
    point: NDArray[np.float64]
    normal: NDArray[np.float64]
    motion: NDArray[np.float64] | None = None
    pixel: tuple[float, float] | None = None
    closing: NDArray[np.float64] | None = None
    width: float | None = None
    depth: float = 0.015
    lead: float = 0.0
    camera: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise UnknownActionError(
                f'the action is {self.action!r}; expected one of {", ".join(ACTIONS)}. Take a '
                'model with these actions'
            )
        if not np.isfinite(self.point).all():
            raise ValueError(f'point is {self.point.tolist()}; expected finite numbers')
        for name in ('normal', 'motion', 'closing'):
            direction = getattr(self, name)
            # NaN compares false.
            if direction is not None and not abs(np.linalg.norm(direction) - 1) < _UNIT:
                raise ValueError(f'{name} is {direction.tolist()}; expected length 1')

    @property
    def outwards(self) -> NDArray[np.float64]:
        """Direction out of the surface, of length 1, along which the tip approaches and retreats.

        For a pushed or pulled part, this is the axis of its motion if known: the normal of the
        front on which a handle is mounted, and not of the visible side of the handle. Otherwise it
        is the normal.
        """
        if self.motion is None or self.action not in ('push', 'pull'):
            return self.normal
        out = self.motion if self.action == 'pull' else -self.motion
        return out if out @ self.normal > 0 else self.normal

    def __str__(self) -> str:
        x, y, z = self.point
        return f'{self.action} at ({x:.3f}, {y:.3f}, {z:.3f}) m'


@dataclass(frozen=True)
class Felt:
    """What an arm felt during its action.

    Attributes:
        text: readable description.
        done: whether the tip was stopped by the part, and a part that it moves has moved;
            otherwise the action failed.
        in_contact: whether something stopped the tip, or the gripper held something.
        held: whether the gripper held something to the end of the action, by its own width; None
            if the action needs no gripper.
        closing: float64 [3], along which the gripper closed; None if it did not.
        returned: whether the arm is back where it began, out of the view of the camera.
    """

    text: str
    done: bool
    in_contact: bool
    held: bool | None = None
    closing: NDArray[np.float64] | None = None
    returned: bool = True

    def __str__(self) -> str:
        return self.text
