# SPDX-License-Identifier: Apache-2.0
"""Evenly spaced frames of a source of known length: whole ones, small ones, and those to read."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.demonstration_reader import (
    RATE,
    DemonstrationReader,
)
from afformer_core.demonstrations.rotation_estimate import MOST_FRAMES, SIDE
from afformer_core.media.video_frames import uniform_indices

# Of a long source, frames farther apart are read.
_MOST_READ = 256


class EvenFrames:
    """Frames that are kept while a source is read.

    Args:
        count: number of frames of the source, at least 1.
        maximum: largest number of whole frames, at least 1.
        rate: frames a second; 0 where the source has no time.

    Attributes:
        indices: numbers of the frames to `take`, rising.
        whole: frames that the model uses, uint8 RGB [H, W, 3] each.
        small: frames that show how things move, uint8 RGB [h, w, 3] each.
        reader: has observed the frames from which the contact is read.
    """

    def __init__(self, count: int, maximum: int, rate: float) -> None:
        self._rate = rate or RATE
        stride = max(round(self._rate / RATE), math.ceil(count / _MOST_READ), 1)
        self._whole = set(uniform_indices(count, maximum))
        self._small = set(uniform_indices(count, MOST_FRAMES))
        self._read = set(range(0, count, stride))
        self.indices = sorted(self._whole | self._small | self._read)
        self.reader = DemonstrationReader()
        self.whole: list[NDArray[np.uint8]] = []
        self.small: list[NDArray[np.uint8]] = []

    def take(self, index: int, image: NDArray[np.uint8]) -> None:
        """Take a frame, uint8 RGB [H, W, 3], of one of the `indices`, in their order."""
        if index in self._whole:
            self.whole.append(image)
        if index in self._small:
            self.small.append(_shrunk(image))
        if index in self._read:
            self.reader.observe(image, index / self._rate)


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = SIDE / max(image.shape)
    if scale >= 1:
        return image
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)
