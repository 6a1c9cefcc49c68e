# SPDX-License-Identifier: Apache-2.0
"""Cameras in front of an appliance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from afformer_core.sim.appliance import Appliance

# Two directions drawn evenly from a disc of this radius are 29 degrees apart on average,
# and never more than 67.
_CONE_DEGREES = 33.5
_TILT_DEGREES = 8.0


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        position: [3] metres, in the panel's coordinates.
        rotation: [3, 3], its columns the camera's right, up and backward axes.
        field_of_view: vertical, degrees.
    """

    position: np.ndarray
    rotation: np.ndarray
    field_of_view: float

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Pixels of points: float64 [P, 3] in metres to [P, 2] (x, y), centres at integers.

        Raises:
            ValueError: a point lies behind the camera.
        """
        local = (np.asarray(points, float) - self.position) @ self.rotation
        if (local[:, 2] >= -1e-6).any():
            raise ValueError('a point behind the camera has no pixel')
        width, height = size
        focal = height / 2 / math.tan(math.radians(self.field_of_view) / 2)
        u = focal * local[:, 0] / -local[:, 2] + (width - 1) / 2
        v = focal * local[:, 1] / local[:, 2] + (height - 1) / 2
        return np.stack([u, v], axis=1)

    def moved(self, offset: np.ndarray, turn: np.ndarray) -> Camera:
        """The camera shifted by `offset` metres and turned by `turn` radians about its axes."""
        x, y, z = turn
        small = np.array([[1, -z, y], [z, 1, -x], [-y, x, 1]])
        rotation, _ = np.linalg.qr(self.rotation @ small)
        rotation *= np.sign((rotation * self.rotation).sum(axis=0))
        return Camera(self.position + offset, rotation, self.field_of_view)


def direction(right_degrees: float, up_degrees: float) -> np.ndarray:
    """The unit vector from the panel towards a viewer turned right and up from its normal."""
    angle = math.radians(math.hypot(right_degrees, up_degrees))
    toward = math.atan2(up_degrees, right_degrees)
    return np.array(
        [math.sin(angle) * math.cos(toward), math.sin(angle) * math.sin(toward), math.cos(angle)]
    )


def look_at(
    position: np.ndarray, target: np.ndarray, roll_degrees: float, field_of_view: float
) -> Camera:
    """A camera at `position` that has `target` in the middle of its image."""
    backward = (position - target) / np.linalg.norm(position - target)
    right = np.cross([0.0, 1.0, 0.0], backward)
    right /= np.linalg.norm(right)
    up = np.cross(backward, right)
    roll = math.radians(roll_degrees)
    rotation = np.stack(
        [
            math.cos(roll) * right + math.sin(roll) * up,
            math.cos(roll) * up - math.sin(roll) * right,
            backward,
        ],
        axis=1,
    )
    return Camera(np.asarray(position, float), rotation, field_of_view)


def frame_appliance(
    appliance: Appliance,
    toward: np.ndarray,
    aim: np.ndarray,
    roll_degrees: float,
    field_of_view: float,
    fill: float,
    size: tuple[int, int],
) -> Camera:
    """The nearest camera along `toward` from `aim` that has every element in view.

    Args:
        appliance: what to look at.
        toward: [3] unit vector from the appliance to the camera.
        aim: [3] metres, in the middle of the image.
        roll_degrees: turn about the optical axis.
        field_of_view: vertical, degrees.
        fill: share of the image's half extent that the outermost element reaches, below 1.
        size: (width, height) of the image.
    """
    corners = np.array(
        [
            [e.x + sx * e.width / 2, e.y + sy * e.height / 2, sz * e.depth]
            for e in appliance.elements
            for sx in (-1, 1)
            for sy in (-1, 1)
            for sz in (0, 1)
        ]
    )
    centre = (np.array(size) - 1) / 2

    def reach(distance: float) -> float:
        camera = look_at(aim + distance * toward, aim, roll_degrees, field_of_view)
        if ((corners - camera.position) @ camera.rotation[:, 2] > -0.05).any():
            return math.inf
        return float((np.abs(camera.project(corners, size) - centre) / (centre + 0.5)).max())

    near, far = 0.05, 8.0
    for _ in range(24):
        middle = (near + far) / 2
        near, far = (middle, far) if reach(middle) > fill else (near, middle)
    return look_at(aim + far * toward, aim, roll_degrees, field_of_view)


def sample_camera(
    appliance: Appliance, size: tuple[int, int], random: np.random.Generator
) -> Camera:
    """A random camera that has every element in view."""
    radius = _CONE_DEGREES * math.sqrt(random.random())
    angle = random.uniform(0, 2 * math.pi)
    toward = direction(radius * math.cos(angle), _TILT_DEGREES + radius * math.sin(angle))
    aim = np.array(
        [
            random.uniform(-0.08, 0.08) * appliance.width,
            random.uniform(-0.08, 0.08) * appliance.height,
            0.0,
        ]
    )
    return frame_appliance(
        appliance,
        toward,
        aim,
        random.normal(0, 3),
        random.uniform(28, 55),
        random.uniform(0.7, 0.94),
        size,
    )
