# SPDX-License-Identifier: Apache-2.0
"""Hands and contact of one demonstration, observed while its frames arrive."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.demonstrations.contact_reading.contact_observer import DetectedHand
from afformer_core.demonstrations.contact_reading.contact_reader import ContactReader
from afformer_core.demonstrations.contact_reading.reading import ContactReading
from afformer_core.demonstrations.contact_reading.small_video import small_image
from afformer_core.hands.hand_landmarker import HandLandmarker

RATE = 15.0
"""Approximate number of observed frames per second; more add no information about a hand."""

# Minimum side of an image for optical flow, pixels.
_LEAST_SIDE = 12
# Low thresholds detect hands early, and sometimes a face in a single frame.
_DETECTION_CONFIDENCE, _PRESENCE_CONFIDENCE = 0.3, 0.5
_MOST_HANDS = 4


class DemonstrationReader:
    """Reader of a demonstration's hands and contact.

    Args:
        threads: number of threads that detect hands, at least 1; the hands are the same.

    Raises:
        HandModelError: the shipped hand networks are missing or damaged.

    Attributes:
        hands: number of hands in both of the newest two observed frames, because a face may be
            detected as a hand in a single frame.
    """

    def __init__(self, threads: int = 1) -> None:
        self._landmarker = HandLandmarker(
            _DETECTION_CONFIDENCE, _PRESENCE_CONFIDENCE, _MOST_HANDS, threads
        )
        self._reader = ContactReader()
        self._size: tuple[int, ...] = ()
        self.hands = 0
        self._found = 0

    def observe(self, image: NDArray[np.uint8], time: float) -> None:
        """Observe the next frame, unless it adds no information (see `ContactReader.needs`).

        Args:
            image: uint8 RGB [H, W, 3]. If its size differs from the previous frames, the reader
                starts again.
            time: seconds, not before the previous frame.
        """
        if self._size != image.shape:
            self._reader, self._size = ContactReader(), image.shape
        if not self._reader.needs(time):
            return
        small: UInt8Array = small_image(image)
        if min(small.shape[:2]) < _LEAST_SIDE:
            return
        found = self._landmarker.detect(image, time)
        self.hands, self._found = min(self._found, len(found)), len(found)
        scale = np.array(small.shape[1::-1]) / image.shape[1::-1]
        hands = [DetectedHand(hand.landmarks * scale, hand.score) for hand in found]
        self._reader.observe(small, time, hands)

    def read(
        self, prior: FloatArray, begin: float = -math.inf, end: float = math.inf
    ) -> ContactReading | None:
        """Read the contact, see `ContactReader.read`; None with fewer than two frames."""
        return self._reader.read(prior, begin, end)
