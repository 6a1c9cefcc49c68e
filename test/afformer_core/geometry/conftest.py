# SPDX-License-Identifier: Apache-2.0
"""Boxes before a tilted panel, cast analytically, seen with realistic noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage

WIDTH, HEIGHT, FOCAL_LENGTH = 640, 480, 600.0


@dataclass(frozen=True)
class Solid:
    """A box on the panel or floating before it; metres."""

    x: float
    y: float
    half_width: float
    half_height: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Scene:
    """What there is, and what a depth camera sees of it.

    Attributes:
        depth: true depth, float64 [H, W].
        normals: true normals towards the camera, float64 [H, W, 3].
        labels: int [H, W]; one for each face.
        seen: with noise, bleed at edges, holes and whole millimetres.
        blobs: bool [H, W]: pixels of hole blobs and shadows, not the single holes.
    """

    depth: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    seen: DepthImage
    blobs: np.ndarray

    @property
    def holes(self) -> np.ndarray:
        return np.isnan(self.seen.values)

    def inner(self, margin: float) -> np.ndarray:
        """Pixels with depth, at least `margin` from edges, hole blobs and the image's border."""
        obstacles = _edges(self.labels) | self.blobs
        obstacles[[0, -1]] = obstacles[:, [0, -1]] = True
        distance = cv2.distanceTransform((~obstacles).astype(np.uint8), cv2.DIST_L2, 5)
        return np.argwhere((distance >= margin + 1) & ~self.holes)

    def discontinuities(self, least_share: float) -> np.ndarray:
        """Pixels with depth that touch a jump of at least this share of the depth."""
        return np.argwhere(_jumps(1 / self.depth, least_share).any(axis=0) & ~self.holes)


def camera() -> Calibration:
    matrix = np.array([[FOCAL_LENGTH, 0, 319.5], [0, FOCAL_LENGTH, 239.5], [0, 0, 1]])
    return Calibration(WIDTH, HEIGHT, matrix, '', (), (0.0, 0.0), 'camera')


def make_scene(
    seed: int,
    distance: float,
    tilt_degrees: float,
    turn_degrees: float,
    solids: list[Solid],
    noise: float = 0.005,
) -> Scene:
    """A panel at `distance` along the optical axis, tilted and turned, with solids on it."""
    rng = np.random.default_rng(seed)
    tilt, turn = math.radians(tilt_degrees), math.radians(turn_degrees)
    spin = np.array(
        [[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]]
    )
    lean = np.array(
        [[math.cos(tilt), 0, math.sin(tilt)], [0, 1, 0], [-math.sin(tilt), 0, math.cos(tilt)]]
    )
    # Columns: the panel's axes, its third towards the camera.
    axes = spin @ lean @ spin.T @ np.diag([1.0, 1.0, -1.0])
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    rays = camera().rays(np.stack([u.ravel(), v.ravel()], axis=1))
    local = np.concatenate([rays, np.ones((len(rays), 1))], axis=1) @ axes
    origin = -np.array([0, 0, distance]) @ axes
    depth = -origin[2] / local[:, 2]
    labels = np.zeros(len(rays), int)
    outward = np.tile([0.0, 0.0, 1.0], (len(rays), 1))
    for number, solid in enumerate(solids, start=1):
        hit, hit_outward = _box(solid, origin, local)
        nearer = hit < depth
        depth = np.where(nearer, hit, depth)
        outward[nearer] = hit_outward[nearer]
        face = np.abs(hit_outward).argmax(axis=1)
        labels[nearer] = (10 * number + face)[nearer]
    shape = (HEIGHT, WIDTH)
    true = depth.reshape(shape)
    seen, blobs = _observe(true, noise, rng)
    return Scene(
        true,
        (outward @ axes.T).reshape(*shape, 3),
        labels.reshape(shape),
        DepthImage(seen, 'camera', 0),
        blobs,
    )


def _box(solid: Solid, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = [solid.x - solid.half_width, solid.y - solid.half_height, solid.bottom]
    high = [solid.x + solid.half_width, solid.y + solid.half_height, solid.top]
    with np.errstate(divide='ignore'):
        first, second = (low - origin) / rays, (high - origin) / rays
    entry, leave = np.minimum(first, second), np.maximum(first, second).min(axis=1)
    axis = entry.argmax(axis=1)
    near = entry.max(axis=1)
    outward = np.zeros_like(rays)
    index = np.arange(len(rays))
    outward[index, axis] = -np.sign(rays[index, axis])
    return np.where((near < leave) & (near > 0), near, np.inf), outward


def _edges(labels: np.ndarray) -> np.ndarray:
    edges = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    for part, change in (
        (edges[:, 1:], across),
        (edges[:, :-1], across),
        (edges[1:], down),
        (edges[:-1], down),
    ):
        part |= change
    return edges


def _jumps(inverse: np.ndarray, least_share: float) -> np.ndarray:
    """Bool [4, H, W]: a jump lies to the right, left, below, above of the pixel."""
    jumps = np.zeros((4, *inverse.shape), bool)
    for axis in (0, 1):
        values = np.moveaxis(inverse, axis, 0)
        steps = np.diff(values, axis=0)
        padded = np.pad(np.abs(steps), ((1, 1), (0, 0)), mode='edge')
        excess = np.abs(steps) - np.maximum(padded[:-2], padded[2:])
        # Two edges side by side hide each other's excess.
        large = (excess >= least_share * values[:-1]) | (
            np.abs(steps) >= (least_share + 0.02) * values[:-1]
        )
        after, before = (np.moveaxis(jumps[2 * (1 - axis) + side], axis, 0) for side in (0, 1))
        after[:-1] |= large
        before[1:] |= large
    return jumps


def _observe(
    true: np.ndarray, noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    seen = true.copy()
    jumps = _jumps(1 / true, 0.004)
    # Bleed: pixels on both sides of a jump (or only right of and below it) mix both depths.
    sides = (0, 1, 2, 3) if rng.random() < 0.5 else (1, 3)
    for side in sides:
        axis, shift = ((1, -1), (1, 1), (0, -1), (0, 1))[side]
        other = np.roll(true, shift, axis)
        share = rng.random(true.shape)
        seen = np.where(jumps[side], seen + share * (other - seen), seen)
    seen *= 1 + noise * rng.standard_normal(true.shape)
    blobs = np.zeros(true.shape, np.uint8)
    for _ in range(25):
        position = (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT)))
        cv2.circle(blobs, position, int(rng.integers(3, 13)), 1, -1)
    # The shadow of a stereo camera's second eye: background left of what stands far before it.
    shadow = np.zeros(true.shape, bool)
    shadow[:, :-1] = true[:, :-1] - true[:, 1:] > 0.03
    for offset in range(4):
        blobs[:, : WIDTH - offset] |= shadow[:, offset:].astype(np.uint8)
    blobs = blobs.astype(bool)
    holes = blobs | (rng.random(true.shape) < 0.05)
    millimetres = np.round(1000 * seen).astype(np.uint16)
    values = np.where(holes, np.float32(np.nan), millimetres / np.float32(1000))
    return values.astype(np.float32), blobs


@pytest.fixture(scope='session')
def calibration() -> Calibration:
    """Of the camera that sees the scenes."""
    return camera()


@pytest.fixture(scope='session')
def solid() -> Callable[..., Solid]:
    """Makes a solid."""
    return Solid


@pytest.fixture(scope='session')
def scene() -> Callable[..., Scene]:
    """Makes a scene."""
    return make_scene
