# SPDX-License-Identifier: Apache-2.0
"""MediaPipe's hand landmarker on the frames of one video, where MediaPipe is installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import HandModelError, how_to_install

_MOST_HANDS = 2


class HandLandmarker:
    """A detector of the landmarks of hands in the frames of one video.

    It follows each hand from frame to frame: it finds nearly every hand that way, and few in
    single frames.

    Args:
        model: MediaPipe's `hand_landmarker.task`, as `afformer fetch-hand-model` makes it.
        detection_confidence: confidence from which on a palm begins to be followed, 0 to 1.
        presence_confidence: confidence from which on a followed region is still a hand, 0 to 1.

    Raises:
        HandModelError: MediaPipe is not installed, or it cannot use the file.
    """

    def __init__(
        self, model: Path, detection_confidence: float = 0.5, presence_confidence: float = 0.5
    ) -> None:
        try:
            self._mediapipe: Any = importlib.import_module('mediapipe')
            vision: Any = importlib.import_module('mediapipe.tasks.python.vision')
            base: Any = importlib.import_module('mediapipe.tasks.python.core.base_options')
        except ImportError as error:
            raise HandModelError(
                f'{model} needs MediaPipe, which is not installed: {error}. '
                f'Run {how_to_install("hands")}'
            ) from error
        if not model.is_file():
            raise HandModelError(
                f'{model} does not exist; expected a hand model. '
                f'Run: afformer fetch-hand-model {model}'
            )
        options = vision.HandLandmarkerOptions(
            base_options=base.BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            num_hands=_MOST_HANDS,
            min_hand_detection_confidence=detection_confidence,
            min_hand_presence_confidence=presence_confidence,
        )
        try:
            self._landmarker: Any = vision.HandLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise HandModelError(
                f'{model} is not a hand model that MediaPipe can use: {error}. '
                f'Run: afformer fetch-hand-model {model}'
            ) from error
        self._milliseconds = -1

    def __enter__(self) -> HandLandmarker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def detect(self, image: NDArray[np.uint8], time: float) -> list[NDArray[np.float64]]:
        """Detect the hands in the next frame.

        Args:
            image: uint8 RGB [H, W, 3].
            time: seconds after the first frame.

        Returns:
            for each hand its 21 landmarks, [21, 2] (x, y) in pixels, of which some may lie outside
            of the image.
        """
        # MediaPipe refuses a frame whose time does not increase.
        self._milliseconds = max(self._milliseconds + 1, round(1e3 * time))
        mediapipe_image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        result = self._landmarker.detect_for_video(mediapipe_image, self._milliseconds)
        height, width = image.shape[:2]
        return [
            np.array([(point.x * width, point.y * height) for point in landmarks], np.float64)
            for landmarks in result.hand_landmarks
        ]

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()
