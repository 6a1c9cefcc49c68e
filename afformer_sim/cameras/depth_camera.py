# SPDX-License-Identifier: Apache-2.0
"""Defects of real depth cameras, and errors of a robot's calibration of its camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from afformer_sim.bodies.solid import Pose

# Metres. If depth bends by more than this, which a plane never does, two surfaces meet in a pixel.
_EDGE_BEND = 0.004
_BLOB_RADIUS = (0.004, 0.015)
_LONGEST_BLOB = 3.0


def millimetres(depth: np.ndarray) -> np.ndarray:
    """Convert float32 metres, NaN without a measurement, to uint16 of a 16UC1 message."""
    rounded = np.nan_to_num(np.round(1000 * depth))
    return np.where(rounded > np.iinfo(np.uint16).max, 0, rounded).astype(np.uint16)


@dataclass(frozen=True)
class DepthCamera:
    """Defects of a depth camera; one with neither noise nor holes measures exact depth.

    Attributes:
        noise: standard deviation of a measurement, as a share of the depth.
        holes: share of pixels that measure nothing, from 0 to below 0.5; half of them single, half
            in blobs.
        farthest: range in metres; nothing is measured beyond.
    """

    noise: float = 0.005
    holes: float = 0.05
    farthest: float = 10.0

    def __post_init__(self) -> None:
        if self.noise < 0 or not 0 <= self.holes < 0.5 or self.farthest <= 0:
            raise ValueError(
                f'noise is {self.noise}, holes {self.holes} and farthest {self.farthest}; '
                'expected noise of at least 0, holes in [0, 0.5) and farthest above 0'
            )

    def measure(self, depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Measure exact depth, float32 [H, W] metres along the optical axis, with all defects.

        Pixels without a measurement are NaN, and those between two surfaces a mixture of both.
        """
        edges = depth_edges(depth)
        if self.noise == 0 and self.holes == 0:
            edges[:] = False
        values = np.where(edges, _mixed(depth, rng), depth.astype(np.float64))
        values = values * (1 + self.noise * rng.standard_normal(depth.shape))
        holes = (rng.random(depth.shape) < self.holes / 2) | (values > self.farthest)
        holes |= _blobs(depth.shape, self.holes / 2, rng)
        return np.where(holes, np.nan, values).astype(np.float32)


def depth_edges(depth: np.ndarray) -> np.ndarray:
    """Find pixels at which depth jumps or bends by more than 4 mm: bool [H, W]."""
    exact = depth.astype(np.float64)
    bend = np.zeros(depth.shape)
    bend[:, 1:-1] = np.abs(exact[:, :-2] - 2 * exact[:, 1:-1] + exact[:, 2:])
    down = np.abs(exact[:-2] - 2 * exact[1:-1] + exact[2:])
    bend[1:-1] = np.maximum(bend[1:-1], down)
    return bend > _EDGE_BEND


def _mixed(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw depths between the nearest and the farthest surface around each pixel."""
    kernel = np.ones((3, 3), np.uint8)
    near, far = cv2.erode(depth, kernel), cv2.dilate(depth, kernel)
    # neighbours mix similarly, so an edge becomes a ragged seam instead of salt-and-pepper noise
    share = cv2.GaussianBlur(rng.standard_normal(depth.shape), (0, 0), 1.0)
    share = 0.5 + 0.5 * np.clip(share / share.std(), -1, 1)
    return np.asarray(near + share * (far - near))


def _blobs(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw random ellipses that cover about a share of an image: bool [H, W]."""
    height, width = shape
    covered = np.zeros((height, width), np.uint8)
    area = 0.0
    while area < share * height * width:
        radius = width * rng.uniform(*_BLOB_RADIUS)
        stretch = math.sqrt(rng.uniform(1, _LONGEST_BLOB))
        centre = (rng.uniform(0, width), rng.uniform(0, height))
        box = (centre, (2 * radius * stretch, 2 * radius / stretch), rng.uniform(0, 180))
        cv2.ellipse(covered, box, 1, -1)
        area += math.pi * radius**2
    return covered.astype(bool)


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

    def registered(self, depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Shift depth, float32 [H, W] metres, to the nearest pixel; NaN at the border."""
        angle = rng.uniform(0, 2 * np.pi)
        shift = np.round(self.registration * np.array([np.cos(angle), np.sin(angle)]))
        matrix = np.column_stack([np.eye(2), shift])
        size = (depth.shape[1], depth.shape[0])
        return cv2.warpAffine(depth, matrix, size, flags=cv2.INTER_NEAREST, borderValue=np.nan)


def _direction(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(0, 1, 3)
    return np.asarray(vector / np.linalg.norm(vector))
