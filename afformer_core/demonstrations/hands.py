# SPDX-License-Identifier: Apache-2.0
"""Hands as the sign of activity, detected by MediaPipe where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.activity import Activity, Persistence
from afformer_core.errors import DemonstrationError, HandModelError
from afformer_core.hands.hand_landmarker import HandLandmarker


class HandActivity:
    """Detector of activity by hands.

    Args:
        model: MediaPipe's `hand_landmarker.task`.

    Raises:
        DemonstrationError: MediaPipe is not installed, or it cannot use the file.
    """

    name = 'hands'

    def __init__(self, model: Path) -> None:
        try:
            self._landmarker = HandLandmarker(model)
        except HandModelError as error:
            raise DemonstrationError(
                f'{error}; or give no hand model and recordings are trimmed by motion'
            ) from error
        self._persistence = Persistence()

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Detect hands in the next frame, see `ActivityDetector.observe`."""
        hands = len(self._landmarker.detect(image, time))
        # faces in profile are taken for hands, but rarely in two successive frames
        return Activity(self._persistence.lasts(hands > 0, time), hands=hands)

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()
