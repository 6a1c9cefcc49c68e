# SPDX-License-Identifier: Apache-2.0
"""Pinhole cameras in front of a fixture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.solid import Pose, cross

# Two directions drawn evenly from a disc of this radius are 29 degrees apart on average,
# and never more than 67.
_CONE_DEGREES = 33.5
_STANDS_ABOVE = 15.0
_LOWEST_DEGREES = 14.0
_LEAST_SHOWN = 0.2
_UPWARD = np.array([0.0, 1.0, 0.0])
# From the camera's axes right, up and backward to the optical frame's.
_OPTICAL = np.diag([1.0, -1.0, -1.0])
# Metres from a camera to the fixture in its view.
_NEAREST, _FARTHEST = 0.05, 8.0


@dataclass(frozen=True)
class Camera:
    """Pinhole camera without distortion.

    Attributes:
        position: [3] metres, in the fixture's coordinates.
        rotation: [3, 3], its columns the camera's right, up and backward axes.
        field_of_view: vertical, degrees.
    """

    position: np.ndarray
    rotation: np.ndarray
    field_of_view: float

    @property
    def optical(self) -> Pose:
        """Pose of the optical frame, whose axes are x right, y down and z ahead."""
        return Pose(np.asarray(self.position, float), self.rotation @ _OPTICAL)

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Project points, float64 [P, 3] metres, to pixels [P, 2] (x, y), centres at integers.

        Args:
            points: in the fixture's coordinates.
            size: (width, height) of the image.

        Raises:
            ValueError: a point lies behind the camera.
        """
        local = self._local(points)
        if not _ahead(local):
            raise ValueError(
                'a point lies behind the camera and has no pixel; check with `has_ahead` before'
            )
        width, height = size
        focal = height / 2 / math.tan(math.radians(self.field_of_view) / 2)
        u = focal * local[:, 0] / -local[:, 2] + (width - 1) / 2
        v = focal * local[:, 1] / local[:, 2] + (height - 1) / 2
        return np.stack([u, v], axis=1)

    def has_ahead(self, points: np.ndarray) -> bool:
        """Check whether all points, float64 [P, 3] metres, lie ahead, so that each has a pixel."""
        return _ahead(self._local(points))

    def _local(self, points: np.ndarray) -> np.ndarray:
        """Transform points to the camera's own axes: right, up and backward."""
        return np.asarray((np.asarray(points, float) - self.position) @ self.rotation)

    def moved(self, offset: np.ndarray, turn: np.ndarray) -> Camera:
        """Return the camera shifted by `offset` [3] metres and turned by `turn` [3] radians.

        The rotation is about the camera's own axes and must be small.
        """
        if not turn.any():
            return Camera(self.position + offset, self.rotation, self.field_of_view)
        x, y, z = turn
        small = np.array([[1, -z, y], [z, 1, -x], [-y, x, 1]])
        rotation, _ = np.linalg.qr(self.rotation @ small)
        rotation *= np.sign((rotation * self.rotation).sum(axis=0))
        return Camera(self.position + offset, rotation, self.field_of_view)


def _ahead(local: np.ndarray) -> bool:
    return bool((local[:, 2] < -1e-6).all())


def direction(right_degrees: float, up_degrees: float) -> np.ndarray:
    """Return the unit vector from the panel to a viewer.

    Args:
        right_degrees, up_degrees: angles from the panel's normal to the right and up.
    """
    angle = math.radians(math.hypot(right_degrees, up_degrees))
    toward = math.atan2(up_degrees, right_degrees)
    aside = math.sin(angle)
    return np.array([aside * math.cos(toward), aside * math.sin(toward), math.cos(angle)])


def look_at(
    position: np.ndarray, target: np.ndarray, roll_degrees: float, field_of_view: float
) -> Camera:
    """Place a camera at `position` with `target` in the middle of its image."""
    backward = (position - target) / np.linalg.norm(position - target)
    right = cross(_UPWARD, backward)
    right /= np.linalg.norm(right)
    up = cross(backward, right)
    roll = math.radians(roll_degrees)
    rolled = math.cos(roll) * right + math.sin(roll) * up
    up = math.cos(roll) * up - math.sin(roll) * right
    rotation = np.stack([rolled, up, backward], axis=1)
    return Camera(np.asarray(position, float), rotation, field_of_view)


def sample_camera(
    fixture: Fixture, size: tuple[int, int], rng: np.random.Generator, *, egocentric: bool = False
) -> Camera:
    """Draw a random camera, as near as every element fits into its view.

    Args:
        fixture: fixture that must be in view.
        size: (width, height) of the image.
        egocentric: the camera is on the head of a person in front of the fixture: above it, with
            a wide lens.
    """
    radius = _CONE_DEGREES * math.sqrt(rng.random())
    angle = rng.uniform(0, 2 * math.pi)
    across, up = radius * math.cos(angle), fixture.elevation + radius * math.sin(angle)
    if fixture.elevation > _STANDS_ABOVE:
        # nobody sees an object on a table from below
        up = max(up, _LOWEST_DEGREES)
    if egocentric:
        across, up = 0.5 * across, min(fixture.elevation + rng.uniform(12, 32), 65.0)
    extent = fixture.extent(rng.uniform(_LEAST_SHOWN, 1))
    spread = extent.max(axis=0) - extent.min(axis=0)
    aim = (extent.max(axis=0) + extent.min(axis=0)) / 2
    aim[:2] += rng.uniform(-0.08, 0.08, 2) * spread[:2]
    toward = direction(across, up)
    roll = rng.normal(0, 5 if egocentric else 3)
    field_of_view = rng.uniform(50, 75) if egocentric else rng.uniform(28, 55)
    # right, up and towards the camera, from the aim
    local = (extent - aim) @ look_at(aim + toward, aim, roll, field_of_view).rotation
    half_height = rng.uniform(0.75, 0.96) * math.tan(math.radians(field_of_view) / 2)
    edges = np.abs(local[:, :2]) / [half_height * size[0] / size[1], half_height]
    needed = local[:, 2] + np.maximum(edges.max(axis=1), _NEAREST)
    distance = float(np.clip(needed.max(), _NEAREST, _FARTHEST))
    return look_at(aim + distance * toward, aim, roll, field_of_view)
