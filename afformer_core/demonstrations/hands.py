# SPDX-License-Identifier: Apache-2.0
"""Hands as the sign of activity, detected by MediaPipe where it is installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.activity import Activity, Persistence
from afformer_core.errors import DemonstrationError

_CONFIDENCE = 0.5
_MOST_HANDS = 2


class HandActivity:
    """Sees hands.

    MediaPipe's hand landmarker follows each hand from frame to frame: it finds nearly every hand
    that way, and few where it looks at each frame alone.

    Args:
        model: MediaPipe's `hand_landmarker.task`.

    Raises:
        DemonstrationError: MediaPipe is not installed, or it cannot use the file.
    """

    name = 'hands'

    def __init__(self, model: Path) -> None:
        try:
            self._mediapipe: Any = importlib.import_module('mediapipe')
            vision: Any = importlib.import_module('mediapipe.tasks.python.vision')
            base: Any = importlib.import_module('mediapipe.tasks.python.core.base_options')
        except ImportError as error:
            raise DemonstrationError(
                f'hands cannot be detected by {model}: {error}; install mediapipe, or give no '
                'hand model and recordings are trimmed by motion'
            ) from error
        if not model.is_file():
            raise DemonstrationError(
                f'there is no hand model {model}; download hand_landmarker.task of MediaPipe, or '
                'give no hand model and recordings are trimmed by motion'
            )
        options = vision.HandLandmarkerOptions(
            base_options=base.BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            num_hands=_MOST_HANDS,
            min_hand_detection_confidence=_CONFIDENCE,
            min_hand_presence_confidence=_CONFIDENCE,
            min_tracking_confidence=_CONFIDENCE,
        )
        try:
            self._landmarker: Any = vision.HandLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise DemonstrationError(
                f'{model} is not a hand model that MediaPipe can use: {error}'
            ) from error
        self._milliseconds = -1
        self._persistence = Persistence()

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """See `ActivityDetector.observe`."""
        # MediaPipe refuses a frame that is not later than the one before.
        self._milliseconds = max(self._milliseconds + 1, round(1e3 * time))
        picture = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        result = self._landmarker.detect_for_video(picture, self._milliseconds)
        hands = len(result.hand_landmarks)
        # Faces in profile pass for hands, but rarely in two frames running.
        return Activity(self._persistence.lasts(hands > 0, time), hands=hands)

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()
