# SPDX-License-Identifier: Apache-2.0
"""Frames of a textured disc that turns in front of a textured wall."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 160
CENTRE = (80.0, 72.0)
MIDDLE = ((CENTRE[0] + 0.5) / SIZE, (CENTRE[1] + 0.5) / SIZE)


def _texture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (SIZE, SIZE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


WALL, DISC = _texture(1), _texture(2)


def disc_frame(degrees: float, shift: float = 0.0, drift: float = 0.0) -> np.ndarray:
    """A disc turned clockwise, moved to the right, before a wall; both move by `drift`."""
    turn = cv2.getRotationMatrix2D(CENTRE, -degrees, 1.0)
    turn[0, 2] += shift
    disc = cv2.warpAffine(DISC, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(mask, (round(CENTRE[0] + shift), round(CENTRE[1])), 28, 1, -1)
    grey = np.where(mask > 0, disc, WALL)
    move = np.array([[1.0, 0.0, drift], [0.0, 1.0, 0.0]])
    grey = cv2.warpAffine(grey, move, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    return np.repeat(grey[..., None], 3, axis=2)
