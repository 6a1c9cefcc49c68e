# SPDX-License-Identifier: Apache-2.0
"""Primitive solids of which fixtures are built."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache

import numpy as np

from afformer_sim.bodies.pose import STILL, Pose

Colour = tuple[float, float, float]


class SolidShape(str, Enum):
    """Primitive shapes, by their names in MuJoCo."""

    BOX = 'box'
    CYLINDER = 'cylinder'
    CAPSULE = 'capsule'
    ELLIPSOID = 'ellipsoid'


@dataclass(frozen=True)
class Solid:
    """One primitive with its size, colour and pose.

    Attributes:
        shape: kind of primitive.
        size: half extents along x, y, z of a box, radii of an ellipsoid; (radius, half length) of
            a cylinder or capsule along z, the capsule's ends not counted. Metres.
        colour: RGB, 0 to 1.
        pose: pose of its middle in the frame of its body.
        surface: index of the scene's surface texture that covers it, or None.
    """

    shape: SolidShape
    size: tuple[float, ...]
    colour: Colour
    pose: Pose = field(default_factory=lambda: STILL)
    surface: int | None = None

    def corners(self) -> np.ndarray:
        """Return points whose hull approximately contains the solid, float64 [P, 3]."""
        if self.shape is SolidShape.BOX:
            half = np.array(self.size)
        elif self.shape is SolidShape.ELLIPSOID:
            return self.pose.apply(_sphere() * self.size)
        else:
            radius, length = self.size
            if self.shape is SolidShape.CAPSULE:
                ends = [_sphere() * radius + [0, 0, end] for end in (-length, length)]
                return self.pose.apply(np.concatenate(ends))
            ring = _ring() * radius
            ends = [np.column_stack([ring, np.full(len(ring), end)]) for end in (-length, length)]
            return self.pose.apply(np.concatenate(ends))
        signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(-1, 3)
        return self.pose.apply(signs * half)

    def moved(self, pose: Pose) -> Solid:
        """Return the solid in an outer frame, in which its own frame has `pose`."""
        return replace(self, pose=pose @ self.pose)


@lru_cache
def _ring(count: int = 24) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache
def _sphere() -> np.ndarray:
    rings = [
        np.column_stack([_ring(12) * np.cos(up), np.full(12, np.sin(up))])
        for up in np.linspace(-np.pi / 2, np.pi / 2, 7)
    ]
    return np.concatenate(rings)
