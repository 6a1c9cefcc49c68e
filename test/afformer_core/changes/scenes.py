# SPDX-License-Identifier: Apache-2.0
"""Drawn images of a front with drawers and knobs, with the noise of a camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (416, 304)
# Upper left corners of the drawers' handles, and the middle of the knob.
HANDLES, KNOB = ((92, 71), (247, 76), (101, 203)), (301, 219)


def front(
    pulled: float = 0.0,
    which: int = 0,
    turned: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    gain: float = 1.0,
    offset: float = 0.0,
    noise: float = 2.0,
    seed: int = 3,
) -> NDArray[np.uint8]:
    """Draw the front: uint8 RGB [304, 416, 3].

    Args:
        pulled: pixels by which a handle has moved down and to the right.
        which: which of the handles.
        turned: angle of the knob, radians.
        shift: motion of the camera, pixels.
        gain, offset: exposure.
        noise: standard deviation of the camera's noise, levels.
        seed: seed of the noise.
    """
    rng = np.random.default_rng(41)
    pattern = cv2.resize(rng.uniform(60, 190, (19, 26, 3)), SIZE, interpolation=cv2.INTER_CUBIC)
    image = np.ascontiguousarray(pattern, np.float64)
    for number, (left, top) in enumerate(HANDLES):
        step = round(pulled) if number == which else 0
        corner = (left + step, top + round(0.7 * step))
        cv2.rectangle(image, corner, (corner[0] + 46, corner[1] + 13), (36, 44, 52), -1)
    cv2.circle(image, KNOB, 21, (210, 205, 190), -1)
    end = KNOB + 18 * np.array([np.sin(turned), -np.cos(turned)])
    cv2.line(image, KNOB, tuple(np.round(end).astype(int).tolist()), (20, 20, 30), 5)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], float)
    image = cv2.warpAffine(image, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
    image = gain * image + offset
    image += np.random.default_rng(seed).normal(0, noise, image.shape)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def with_arm(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw a sleeve that reaches into an image from its lower border."""
    drawn = image.copy()
    cv2.line(drawn, (215, 303), (160, 190), (205, 150, 120), 44)
    return drawn
