# SPDX-License-Identifier: Apache-2.0
"""Textures of walls, tables and fronts."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from afformer_sim.textures.surface_noise import grain
from afformer_sim.textures.surface_patterns import HELD_OUT_PATTERNS, TRAINING_PATTERNS
from afformer_sim.textures.texture_images import crop_texture_image

_TEXTURE_IMAGES = 0.5


def paint_surface(
    rng: np.random.Generator, *, held_out: bool = False, side: int = 128
) -> np.ndarray:
    """Paint a random surface: half of them are cut out of photographs, the others are patterns.

    Args:
        rng: source of randomness.
        held_out: True for photographs or patterns that are kept out of training, False for those
            of training.
        side: side in pixels.

    Returns:
        uint8 [side, side, 3] RGB.
    """
    if rng.random() < _TEXTURE_IMAGES:
        return crop_texture_image(rng, side, held_out=held_out)
    patterns = HELD_OUT_PATTERNS if held_out else TRAINING_PATTERNS
    return paint_pattern(rng, str(rng.choice(list(patterns))), side)


def paint_pattern(rng: np.random.Generator, name: str, side: int = 128) -> np.ndarray:
    """Paint a pattern in random colours.

    Args:
        rng: source of randomness.
        name: a key of `TRAINING_PATTERNS` or `HELD_OUT_PATTERNS`.
        side: side in pixels.

    Returns:
        uint8 [side, side, 3] RGB.
    """
    levels = (TRAINING_PATTERNS | HELD_OUT_PATTERNS)[name](rng, side)
    steps = np.clip(levels * 255, 0, 255).astype(np.uint8)
    image = cv2.applyColorMap(steps, _ramp(rng))
    if rng.random() < 0.5:
        shade = 1 + grain(rng, side, side)
        image = cv2.multiply(image, cv2.merge([shade] * 3), dtype=cv2.CV_8U)
    return image


def _ramp(rng: np.random.Generator) -> np.ndarray:
    """Draw the colours of the levels from 0 to 1, uint8 [256, 1, 3]."""
    stops = _colours(rng, int(rng.integers(2, 5)))
    # most surfaces have similar colours, a few quite different ones
    strength = rng.uniform(0.1, 1)
    stops = stops[0] + strength * (stops - stops[0])
    positions = np.linspace(0, 255, len(stops))
    levels = np.arange(256)
    colours = [np.interp(levels, positions, channel) for channel in stops.T]
    return np.stack(colours, axis=1).astype(np.uint8)[:, None]


def _colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw colours that are nearly grey, of earth or wood, or any: float64 [count, 3] to 255."""
    taste = rng.random()
    if taste < 0.3:
        hsv = rng.uniform((0.02, 0.1, 0.15), (0.13, 0.65, 0.95), (count, 3))
        return np.array([colorsys.hsv_to_rgb(*colour) for colour in hsv]) * 255
    colours: np.ndarray = rng.uniform(20, 245, (count, 3))
    if taste < 0.75:
        grey = colours.mean(axis=1, keepdims=True)
        colours = grey + 0.25 * (colours - grey)
    return colours
