# SPDX-License-Identifier: Apache-2.0
"""Errors of a robot's calibration: the pose of its camera, and the registration of its depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from afformer_sim.bodies.pose import Pose
from afformer_sim.cameras.depth_camera import SensedDepth


@dataclass(frozen=True)
class RobotErrors:
    """Sizes of the errors; their directions are random.

    Attributes:
        shift: distance in metres by which the known position of the camera is off.
        turn: angle in degrees by which its known orientation is off.
        registration: pixels by which depth is off the image.
    """

    shift: float = 0.0
    turn: float = 0.0
    registration: float = 0.0

    def pose(self, camera: Pose, rng: np.random.Generator) -> Pose:
        """Return the pose that the robot takes for that of its camera."""
        shift, axis = (_direction(rng) for _ in range(2))
        turn = cv2.Rodrigues(np.radians(self.turn) * axis)[0]
        return Pose(camera.position + self.shift * shift, turn @ camera.rotation)

    def registered(self, depth: SensedDepth, rng: np.random.Generator) -> SensedDepth:
        """Shift depth against the image, to the nearest pixel; it is unknown at the border."""
        angle = rng.uniform(0, 2 * np.pi)
        columns, rows = np.round(
            self.registration * np.array([np.cos(angle), np.sin(angle)])
        ).astype(int)
        values = _shifted(depth.values, rows, columns, np.float32(np.nan))
        holes = _shifted(depth.holes, rows, columns, np.True_)
        edges = _shifted(depth.edges, rows, columns, np.False_)
        return SensedDepth(values, holes, edges)


def _direction(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(0, 1, 3)
    return np.asarray(vector / np.linalg.norm(vector))


def _shifted(image: np.ndarray, rows: int, columns: int, outside: np.generic) -> np.ndarray:
    """Move an image [H, W] down and to the right."""
    height, width = image.shape
    moved = np.full_like(image, outside)
    moved[max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)] = image[
        max(-rows, 0) : height - max(rows, 0), max(-columns, 0) : width - max(columns, 0)
    ]
    return moved
