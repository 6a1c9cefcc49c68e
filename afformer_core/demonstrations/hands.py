# SPDX-License-Identifier: Apache-2.0
"""Hands as the sign of activity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.activity import Activity, Persistence
from afformer_core.hands.hand_landmarker import HandLandmarker


class HandActivity:
    """Detector of activity by hands.

    Raises:
        HandModelError: the networks' files are missing or damaged.
    """

    name = 'hands'

    def __init__(self) -> None:
        self._landmarker = HandLandmarker()
        self._persistence = Persistence()

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Detect hands in the next frame, see `ActivityDetector.observe`."""
        hands = len(self._landmarker.detect(image, time))
        # faces in profile are taken for hands, but rarely in two successive frames
        return Activity(self._persistence.lasts(hands > 0, time), hands=hands)

    def close(self) -> None:
        """Free nothing: the networks are freed with the detector."""
