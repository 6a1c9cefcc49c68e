# SPDX-License-Identifier: Apache-2.0
"""Rays of peaks and their derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration

FloatArray = NDArray[np.float64]

# Pixels to each side over which derivatives of the rays are measured.
_RAY_REACH = 4.0


@dataclass(frozen=True)
class PixelRays:
    """Rays of P peaks.

    Attributes:
        rays: [P, 2].
        changes: [P, 2, 2], derivatives of the rays by each pixel (u, v) of the depth image;
            constant across a window for any lens.
        scale: [2], pixels of the depth image for one of the image.
        centre: [3], point where all rays meet, metres.
    """

    rays: FloatArray
    changes: FloatArray
    scale: FloatArray
    centre: FloatArray

    def of(self, rows: NDArray[np.int64]) -> PixelRays:
        """Return the rays of some of the peaks, by index."""
        return PixelRays(self.rays[rows], self.changes[rows], self.scale, self.centre)


def look_at(
    calibration: Calibration,
    pixels: FloatArray,
    positions: FloatArray,
    scale: FloatArray,
    size: tuple[int, int],
) -> tuple[PixelRays, list[str]]:
    """Compute the rays of peaks.

    Args:
        calibration: calibration of the image's camera.
        pixels: float64 [P, 2], (u, v) of the peaks in the image.
        positions: float64 [P, 2], the same in pixels of the depth image.
        scale: float64 [2], pixels of the depth image for one of the image.
        size: (height, width) of the depth image.

    Returns:
        the rays; and for each peak '', or the reason why it has none (it lies outside, or the
        distortion cannot be removed).
    """
    height, width = size
    inside = np.all((positions >= -0.5) & (positions < [width - 0.5, height - 0.5]), axis=1)
    moves = _RAY_REACH * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    seen = np.where(inside[:, None], positions, 0)[:, None] + moves
    rays = calibration.rays((seen + 0.5) / scale - 0.5).reshape(-1, 5, 2)
    changes = np.stack([rays[:, 1] - rays[:, 2], rays[:, 3] - rays[:, 4]], axis=2)
    changes /= 2 * _RAY_REACH
    determinants = changes[:, 0, 0] * changes[:, 1, 1] - changes[:, 0, 1] * changes[:, 1, 0]
    # where it is 0, rays of different pixels coincide
    undone = np.isfinite(rays).all(axis=(1, 2)) & (determinants != 0)
    problems = []
    for (u, v), seen_there, ray_there in zip(pixels.tolist(), inside, undone, strict=True):
        problem = ''
        if not seen_there:
            problem = f'the peak ({u:.1f}, {v:.1f}) lies outside the image'
        elif not ray_there:
            problem = (
                'the distortion of the camera cannot be undone at the peak; check the calibration'
            )
        problems.append(problem)
    return PixelRays(rays[:, 0], changes, scale, calibration.centre), problems
