# SPDX-License-Identifier: Apache-2.0
"""Detector of cuts to another scene in a stream of images."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.arrays import UInt8Array

_SIDE = 16


class SceneCutDetector:
    """Compares each image with the one before, both shrunk to 16 x 16 grey values.

    At that size what moves changes little, even when it is near; another scene changes all.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def change(self, image: UInt8Array) -> float:
        """Mean change since the image before, as a share of the range of grey values.

        Args:
            image: uint8 RGB [h, w, 3], of any size.

        Returns:
            0 to 1; 0 for the first image.
        """
        grey = cv2.cvtColor(
            cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY
        ).astype(np.float32)
        before, self._before = self._before, grey
        return 0.0 if before is None else float(np.abs(grey - before).mean() / 255)
