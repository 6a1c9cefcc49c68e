# SPDX-License-Identifier: Apache-2.0
"""Smooth noise of surfaces."""

from __future__ import annotations

import cv2
import numpy as np


def grain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw smooth noise about 0 of at most a few per cent, float32 [height, width]."""
    cell = int(rng.choice([2, 8, 40]))
    stretch = 1 if rng.random() < 0.6 else 8
    shape = (max(2, height // cell), max(2, width // (cell * stretch)))
    noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(0, 0.06))
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR))


def fractal(
    rng: np.random.Generator, height: int, width: int, cells: int = 4, octaves: int = 4
) -> np.ndarray:
    """Draw clouds: smooth noise about 0 of standard deviation near 0.3, float32 [height, width].

    Args:
        rng: source of randomness.
        height, width: size in pixels.
        cells: number of cells of the coarsest noise along each side.
        octaves: number of refinements; each halves the size of cells and the amplitude.
    """
    clouds = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        count = cells << octave
        noise = rng.standard_normal((count, count), np.float32) * 0.4 / (1 << octave)
        clouds += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return clouds
