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
"""Frames a second that are observed; more tell nothing new about a hand."""

# A camera of 30 Hz has frames that are a little less than a fifteenth of a second apart.
_EARLY = 0.8
_DETECTION_CONFIDENCE = 0.3
_MOST_HANDS = 4


class DemonstrationReader:
    """Reader of a demonstration's hands and contact.

    Raises:
        HandModelError: the shipped hand networks are missing or damaged.

    Attributes:
        hands: number of hands in the newest frame that was observed.
    """

    def __init__(self) -> None:
        self._landmarker = HandLandmarker(_DETECTION_CONFIDENCE, most_hands=_MOST_HANDS)
        self._reader = ContactReader()
        self._size: tuple[int, ...] = ()
        self._time = -math.inf
        self.hands = 0

    def observe(self, image: NDArray[np.uint8], time: float) -> None:
        """Observe the next frame, unless the one before is less than a fifteenth of a second old.

        Args:
            image: uint8 RGB [H, W, 3]. One of another size than those before begins anew.
            time: seconds, not before the frame before.
        """
        if self._size != image.shape:
            self._reader, self._time, self._size = ContactReader(), -math.inf, image.shape
        if time - self._time < _EARLY / RATE:
            return
        self._time = time
        found = self._landmarker.detect(image, time)
        self.hands = len(found)
        small: UInt8Array = small_image(image)
        scale = np.array(small.shape[1::-1]) / image.shape[1::-1]
        hands = [DetectedHand(hand.landmarks * scale, hand.score) for hand in found]
        self._reader.observe(small, time, hands)

    def read(
        self, prior: FloatArray, begin: float = -math.inf, end: float = math.inf
    ) -> ContactReading | None:
        """Read the contact, see `ContactReader.read`; None with fewer than two frames."""
        return self._reader.read(prior, begin, end)
