# SPDX-License-Identifier: Apache-2.0
"""Rigid poses, and primitive solids of which fixtures are built."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Pose:
    """Position and orientation of a frame in an outer one.

    Attributes:
        position: [3] metres, the frame's origin.
        rotation: [3, 3], its columns the frame's axes.
    """

    position: np.ndarray
    rotation: np.ndarray

    def __matmul__(self, other: Pose) -> Pose:
        """Return the pose `other`, given in this frame, in the outer one."""
        return Pose(self.apply(other.position), self.rotation @ other.rotation)

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Transform points of this frame, float64 [..., 3], to the outer one."""
        return np.asarray(np.asarray(points, float) @ self.rotation.T + self.position)

    def direct(self, vectors: np.ndarray) -> np.ndarray:
        """Rotate directions of this frame, float64 [..., 3], to the outer one."""
        return np.asarray(np.asarray(vectors, float) @ self.rotation.T)

    def inverse(self) -> Pose:
        """Return the pose of the outer frame in this one."""
        return Pose(-self.rotation.T @ self.position, self.rotation.T)

    @property
    def quaternion(self) -> np.ndarray:
        """Rotation as a unit quaternion [4], w first."""
        import mujoco

        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, self.rotation.flatten())
        return quaternion


def at(x: float, y: float, z: float) -> Pose:
    """Return the pose at a position in metres, without a rotation."""
    return Pose(np.array([x, y, z], float), np.eye(3))


STILL = at(0, 0, 0)


def turned(axis: np.ndarray | tuple[float, float, float], angle: float) -> np.ndarray:
    """Return the rotation [3, 3] by `angle` radians about `axis` (right-hand rule).

    SciPy computes it with a quaternion, whose different last bits would change simulated images.
    """
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * skew + (1 - math.cos(angle)) * skew @ skew)


def spin(axis: np.ndarray | tuple[float, float, float], angle: float) -> Pose:
    """Return the pose turned by `angle` radians about `axis`, at the origin."""
    return Pose(np.zeros(3), turned(axis, angle))


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cross product of two vectors, [3] each; ten times as fast as `np.cross`."""
    a, b, c = first.tolist()
    d, e, f = second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


def facing(
    outward: np.ndarray | tuple[float, float, float],
    upward: np.ndarray | tuple[float, float, float],
) -> np.ndarray:
    """Return the rotation [3, 3] with the z axis `outward` and the y axis nearest to `upward`."""
    z = np.asarray(outward, float) / np.linalg.norm(outward)
    y = np.asarray(upward, float) - (np.asarray(upward, float) @ z) * z
    y /= np.linalg.norm(y)
    return np.stack([cross(y, z), y, z], axis=1)


def between(start: Sequence[float] | np.ndarray, end: Sequence[float] | np.ndarray) -> Pose:
    """Return the pose in the middle of two points, with z from the first to the second.

    The x axis is horizontal unless the points lie on a line along x.
    """
    first, last = np.array(start, float), np.array(end, float)
    along = last - first
    aside = (1.0, 0.0, 0.0) if abs(along[0]) < 0.9 * np.linalg.norm(along) else (0.0, 1.0, 0.0)
    return Pose((first + last) / 2, facing(along, np.cross(along, aside)))


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
            rim = ring() * radius
            ends = [np.column_stack([rim, np.full(len(rim), end)]) for end in (-length, length)]
            return self.pose.apply(np.concatenate(ends))
        signs = np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(-1, 3)
        return self.pose.apply(signs * half)

    def moved(self, pose: Pose) -> Solid:
        """Return the solid in an outer frame, in which its own frame has `pose`."""
        return replace(self, pose=pose @ self.pose)


@lru_cache
def ring(count: int = 24) -> np.ndarray:
    """Return points on a circle of radius 1, float64 [count, 2]."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache
def _sphere() -> np.ndarray:
    rings = [
        np.column_stack([ring(12) * np.cos(up), np.full(12, np.sin(up))])
        for up in np.linspace(-np.pi / 2, np.pi / 2, 7)
    ]
    return np.concatenate(rings)
