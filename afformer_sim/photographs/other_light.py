# SPDX-License-Identifier: Apache-2.0
"""Changes of a photograph's light: brightness from one side, contrast, saturation and warmth."""

from __future__ import annotations

import math

import numpy as np

_BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)


def change_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image, uint8 [H, W, 3] RGB, under a different light."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    slope = rng.uniform(0, 0.35)
    light = 1 + slope * (columns * math.cos(angle) + rows * math.sin(angle))
    colours = image.astype(np.float32) / 255
    grey = (colours @ _BRIGHTNESS)[..., None]
    colours = grey + rng.uniform(0.6, 1.25) * (colours - grey)
    warmth = rng.normal(0, 0.07)
    balance = np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    contrast, level = rng.uniform(0.75, 1.2), rng.uniform(0.75, 1.15)
    changed = ((colours - 0.45) * contrast + 0.45) * level * balance * light[..., None]
    return np.asarray(np.round(changed.clip(0, 1) * 255).astype(np.uint8))
