# SPDX-License-Identifier: Apache-2.0
"""Wear of surfaces: scratches, smudges and faded patches."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from afformer_sim.textures.surface_noise import fractal

# Factor by which smooth masks are smaller than the image.
_SHRINK = 4


def apply_wear(image: np.ndarray, rng: np.random.Generator) -> None:
    """Add wear to the image of a surface, in place; about a quarter remain like new.

    Args:
        image: uint8 or float32 [H, W, 3] RGB, up to 255.
        rng: source of randomness.
    """
    height, width = image.shape[:2]
    # opacity of the layer over the image, and its brightness times opacity
    cover = np.zeros((height, width), np.float32)
    shade = np.zeros((height, width), np.float32)
    kinds: tuple[tuple[float, Callable[..., np.ndarray], float, float], ...] = (
        (0.25, _faded, 0.5, 1.0),
        (0.4, _smudges, 0.05, 0.45),
        (0.2, _rubbed_edges, 0.1, 0.9),
        (0.4, _scratches, 0.0, 1.0),
    )
    for share, paint, darkest, brightest in kinds:
        if rng.random() < share:
            mask = paint(rng, height, width)
            cover += mask * (1 - cover)
            shade += mask * (np.float32(rng.uniform(darkest, brightest)) - shade)
    if cover.any():
        tint = 255 * (1 + rng.uniform(-0.08, 0.08, 3)) * (1.05, 1.0, 0.92)
        overlay = cv2.merge([shade * np.float32(level) for level in tint])
        worn = image * cv2.merge([1 - cover] * 3) + overlay
        image[:] = np.clip(worn, 0, 255)


def _faded(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw a large soft spot, like sun bleaching or wear by hands."""
    y, x = np.ogrid[: height // _SHRINK + 1, : width // _SHRINK + 1]
    centre = rng.uniform(0, 1, 2) * (len(y), x.shape[1])
    reach = rng.uniform(0.2, 0.6, 2) * max(len(y), x.shape[1])
    squared = ((y - centre[0]) / reach[0]) ** 2 + ((x - centre[1]) / reach[1]) ** 2
    return _enlarge(np.float32(rng.uniform(0.1, 0.4)) * np.exp(-squared), height, width)


def _smudges(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw dirt where clouds of noise are dense."""
    cells = int(rng.integers(2, 7))
    clouds = fractal(rng, height // _SHRINK + 1, width // _SHRINK + 1, cells, 4)
    mask = np.clip(clouds - np.float32(rng.uniform(0, 0.4)), 0, 1)
    return _enlarge(np.minimum(mask * np.float32(rng.uniform(0.3, 1)), 0.6), height, width)


def _rubbed_edges(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw wear near the image's border, unevenly strong."""
    rows, columns = height // _SHRINK + 1, width // _SHRINK + 1
    y, x = np.arange(rows), np.arange(columns)
    border = np.minimum(np.minimum(y, rows - 1 - y)[:, None], np.minimum(x, columns - 1 - x)[None])
    reach = rng.uniform(0.02, 0.07) * max(rows, columns)
    clouds = np.clip(0.5 + 1.5 * fractal(rng, rows, columns, 6, 3), 0, 1)
    mask = np.float32(rng.uniform(0.3, 0.8)) * clouds * np.exp(-border / reach)
    return _enlarge(mask, height, width)


def _scratches(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw thin lines, most of them in roughly the same direction."""
    mask = np.zeros((height, width), np.uint8)
    common, spread = rng.uniform(0, 2 * np.pi), rng.choice([0.15, 0.5, 3])
    for _ in range(int(rng.integers(1, 16))):
        angle = common + rng.normal(0, spread)
        length = max(height, width) * rng.exponential(0.15)
        position = rng.uniform(0, 1, 2) * (width, height)
        ahead = length / 2 * np.array([np.cos(angle), np.sin(angle)])
        bow = rng.normal(0, 0.06) * ahead[::-1] * (1, -1)
        t = np.linspace(-1, 1, 7)[:, None]
        points = np.round(4 * (position + t * ahead + (1 - t**2) * bow))
        strength = rng.uniform(40, 200)
        cv2.polylines(mask, [points.astype(np.int32)], False, strength, 1, cv2.LINE_AA, shift=2)
    return np.asarray(mask * np.float32(1 / 255))


def _enlarge(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
