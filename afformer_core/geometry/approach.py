# SPDX-License-Identifier: Apache-2.0
"""The direction in which a tool moves onto a point."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.motion import ActionKind, PartMotion, action_kind
from afformer_core.geometry.surface import SurfacePoint

# The motion of these follows gravity, and not the surface.
_VERTICAL = (ActionKind.LIFT, ActionKind.LOWER)


class ApproachSource(IntEnum):
    """Sources of an approach, best first: the constants of AffordancePoint."""

    UNKNOWN = 0
    NORMAL = 1
    MOTION = 2
    LINE_OF_SIGHT = 3


@dataclass(frozen=True)
class Approach:
    """The direction in which a tool moves onto a point.

    Attributes:
        direction: float64 [3], unit length, away from the camera; None if unknown.
        source: what it follows from.
    """

    direction: NDArray[np.float64] | None = None
    source: ApproachSource = ApproachSource.UNKNOWN

    @property
    def from_surface(self) -> bool:
        """Whether it follows from the surface, and not from the position of the camera."""
        return self.source in (ApproachSource.NORMAL, ApproachSource.MOTION)


UNKNOWN_APPROACH = Approach()


def approach_to(
    surface: SurfacePoint,
    action: str,
    motion: PartMotion,
    ray: NDArray[np.float64] | None,
) -> Approach:
    """Choose the approach to a surface point: against its normal, if known.

    Otherwise, it lies on the axis of the motion, unless the part is lifted or lowered, or else on
    the line of sight. It is known if the position is known.

    Args:
        surface: surface point, with its normal towards the camera.
        action: name of the action.
        motion: its motion at the point.
        ray: [3], vector from the camera to the point, in the frame of the others; None if
            unknown.
    """
    if surface.position is None or ray is None:
        return UNKNOWN_APPROACH
    if surface.normal is not None:
        return Approach(-surface.normal, ApproachSource.NORMAL)
    if motion.direction is None or action_kind(action) in _VERTICAL:
        return Approach(ray / np.linalg.norm(ray), ApproachSource.LINE_OF_SIGHT)
    away = motion.direction @ ray >= 0
    return Approach(motion.direction if away else -motion.direction, ApproachSource.MOTION)
