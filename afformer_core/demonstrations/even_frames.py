# SPDX-License-Identifier: Apache-2.0
"""Evenly spaced frames of a source of known length: full size, small, and for the reader."""

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

# In a long source, the frames that are read are farther apart.
_MOST_READ = 256
# Somebody waits for a file; frames of a camera arrive more slowly than one thread reads them.
_THREADS = 2


class EvenFrames:
    """The frames that are kept while a source is read.

    Args:
        count: number of frames of the source, at least 1.
        maximum: maximum number of full-size frames, at least 1.
        rate: frames per second; 0 if the source has no times.

    Attributes:
        indices: ascending indices of the frames to `take`.
        whole: frames for the model, uint8 RGB [H, W, 3] each.
        small: frames for the estimate of motion, uint8 RGB [h, w, 3] each.
        reader: reader of the contact, which has observed the frames.
    """

    def __init__(self, count: int, maximum: int, rate: float) -> None:
        self._rate = rate or RATE
        stride = max(round(self._rate / RATE), math.ceil(count / _MOST_READ), 1)
        self._whole = set(uniform_indices(count, maximum))
        self._small = set(uniform_indices(count, MOST_FRAMES))
        self._read = set(range(0, count, stride))
        self.indices = sorted(self._whole | self._small | self._read)
        self.reader = DemonstrationReader(_THREADS)
        self.whole: list[NDArray[np.uint8]] = []
        self.small: list[NDArray[np.uint8]] = []

    def take(self, index: int, image: NDArray[np.uint8]) -> None:
        """Add the frame, uint8 RGB [H, W, 3], of the next of the `indices`."""
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
