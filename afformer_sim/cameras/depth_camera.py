# SPDX-License-Identifier: Apache-2.0
"""Defects of real depth cameras: noise, holes and flying pixels at edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

# Metres. If depth bends by more than this, which a plane never does, two surfaces meet in a pixel.
_EDGE_BEND = 0.004
_BLOB_RADIUS = (0.004, 0.015)
_LONGEST_BLOB = 3.0


@dataclass(frozen=True)
class SensedDepth:
    """Depth image as a camera measures it.

    Attributes:
        values: float32 [H, W] metres along the optical axis, NaN without a measurement.
        holes: bool [H, W], True without a measurement.
        edges: bool [H, W], True if a pixel lies between two surfaces and measured a mixture.
    """

    values: np.ndarray
    holes: np.ndarray
    edges: np.ndarray

    def millimetres(self) -> np.ndarray:
        """Convert to uint16 [H, W] for a 16UC1 message; 0 without a measurement."""
        rounded = np.nan_to_num(np.round(1000 * self.values))
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

    def measure(self, depth: np.ndarray, rng: np.random.Generator) -> SensedDepth:
        """Measure exact depth, float32 [H, W] metres, with the camera's defects."""
        edges = depth_edges(depth)
        if self.noise == 0 and self.holes == 0:
            edges[:] = False
        values = np.where(edges, _mixed(depth, rng), depth.astype(np.float64))
        values = values * (1 + self.noise * rng.standard_normal(depth.shape))
        holes = (rng.random(depth.shape) < self.holes / 2) | (values > self.farthest)
        holes |= _blobs(depth.shape, self.holes / 2, rng)
        return SensedDepth(
            np.where(holes, np.nan, values).astype(np.float32), holes, edges & ~holes
        )


def depth_edges(depth: np.ndarray, least: float = _EDGE_BEND) -> np.ndarray:
    """Find pixels at which depth jumps or bends by more than `least` metres: bool [H, W]."""
    exact = depth.astype(np.float64)
    bend = np.zeros(depth.shape)
    bend[:, 1:-1] = np.abs(exact[:, :-2] - 2 * exact[:, 1:-1] + exact[:, 2:])
    down = np.abs(exact[:-2] - 2 * exact[1:-1] + exact[2:])
    bend[1:-1] = np.maximum(bend[1:-1], down)
    return bend > least


def _mixed(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw depths between the nearest and the farthest surface around each pixel."""
    kernel = np.ones((3, 3), np.uint8)
    near, far = cv2.erode(depth, kernel), cv2.dilate(depth, kernel)
    # neighbours mix similarly, so an edge becomes a ragged seam instead of salt-and-pepper noise
    share = cv2.GaussianBlur(rng.standard_normal(depth.shape), (0, 0), 1.0)
    share = 0.5 + 0.5 * np.clip(share / share.std(), -1, 1)
    mixed: np.ndarray = near + share * (far - near)
    return mixed


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
