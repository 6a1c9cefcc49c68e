# SPDX-License-Identifier: Apache-2.0
"""Changes of brightness, contrast, saturation and hue, the same in all frames of a video."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# Rows: brightness, and the two axes of colour of NTSC's YIQ, in which hue is an angle.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_RGB = np.linalg.inv(_YIQ)


def require_shares(settings: object, *names: str, most: float = 1.0) -> None:
    """Raise a ValueError unless attributes are numbers from 0 to `most`."""
    for name in names:
        if not 0 <= (value := getattr(settings, name)) <= most:
            raise ValueError(f'{name} is {value}; expected 0 to {most:g}')


@dataclass(frozen=True, kw_only=True)
class PhotometricSettings:
    """The largest random changes of colours.

    Attributes:
        brightness: 0 to 1; images are multiplied by a factor from 1 - brightness to 1 +
            brightness.
        contrast: 0 to 1; likewise, the distance of each pixel from the mean grey.
        saturation: 0 to 1; likewise, the distance of each pixel from its own grey.
        hue: 0 to 0.5; colours are turned by -hue to hue, where 1 is a whole turn.
        probability: probability of a change, 0 to 1.

    Raises:
        ValueError: a value is out of its range.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        require_shares(self, 'brightness', 'contrast', 'saturation', 'probability')
        require_shares(self, 'hue', most=0.5)


@dataclass(frozen=True)
class ColourChange:
    """A change of colours that all images of a video share.

    Attributes:
        brightness: factor, at least 0.
        contrast: factor, at least 0.
        saturation: factor, at least 0.
        hue: angle in turns; a third makes red green.
    """

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Change images, uint8 [T, H, W, 3] RGB, rounding and clipping once at the end."""
        tall = np.ascontiguousarray(images).reshape(-1, *images.shape[2:])
        angle = -2 * math.pi * self.hue
        cos, sin = self.saturation * math.cos(angle), self.saturation * math.sin(angle)
        matrix = _RGB @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ _YIQ
        matrix *= self.brightness * self.contrast
        mean = 0.0
        if self.contrast != 1:
            mean = self.brightness * float(_YIQ[0] @ cv2.mean(tall)[:3])
        offset = np.full((3, 1), (1 - self.contrast) * mean)
        changed = cv2.transform(tall, np.hstack([matrix, offset]))
        return np.asarray(changed, np.uint8).reshape(images.shape)


def draw_colour_change(
    settings: PhotometricSettings, rng: np.random.Generator
) -> ColourChange | None:
    """Draw a change of colours; None if there is none."""
    widths = (settings.brightness, settings.contrast, settings.saturation, settings.hue)
    if not any(widths) or rng.random() >= settings.probability:
        return None
    brightness, contrast, saturation, hue = rng.uniform(-1, 1, 4) * widths
    return ColourChange(1 + brightness, 1 + contrast, 1 + saturation, float(hue))
