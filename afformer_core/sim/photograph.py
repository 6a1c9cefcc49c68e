# SPDX-License-Identifier: Apache-2.0
"""What a real camera does to a picture: white balance, contrast, blur and noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Sensor:
    """One camera's defects.

    Attributes:
        gain: [3] RGB factors.
        gamma: exponent of the tone curve.
        blur: standard deviation in pixels.
        noise: standard deviation in grey levels of 255.
    """

    gain: np.ndarray
    gamma: float
    blur: float
    noise: float

    def expose(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The picture that this camera takes of a clean one; uint8 [H, W, 3] RGB both."""
        levels = np.arange(256) / 255
        table = np.clip(levels[:, None] ** self.gamma * self.gain, 0, 1) * 255
        picture = cv2.LUT(image, table[None].astype(np.uint8))
        if self.blur > 0.25:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        # one channel of noise at half the work; sensors' noise is mostly in brightness
        grain = random.standard_normal(image.shape[:2], np.float32) * self.noise
        return np.clip(picture + grain[..., None], 0, 255).astype(np.uint8)


def sample_sensor(random: np.random.Generator) -> Sensor:
    """A random ordinary camera."""
    return Sensor(
        gain=random.uniform(0.85, 1.1) * random.uniform(0.94, 1.06, 3),
        gamma=random.uniform(0.75, 1.15),
        blur=random.uniform(0, 0.8),
        noise=random.uniform(0, 5),
    )
