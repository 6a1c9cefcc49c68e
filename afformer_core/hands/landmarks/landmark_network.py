# SPDX-License-Identifier: Apache-2.0
"""Landmarks of one hand in its region of an image, with MediaPipe's network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.landmarks.hand_networks import HAND_LANDMARKS, HandNetwork
from afformer_core.hands.landmarks.hand_region import HandRegion

LANDMARKS = 21
"""Number of landmarks of a hand: the wrist, then four of each finger from the thumb on."""


@dataclass(frozen=True, eq=False)
class LandmarkedHand:
    """A hand in an image.

    Attributes:
        landmarks: its landmarks, (x, y) in pixels, float64 [21, 2]; some may lie outside of the
            image.
        score: probability that there is a hand, 0 to 1.
    """

    landmarks: NDArray[np.float64]
    score: float


class LandmarkNetwork:
    """The network that finds landmarks.

    Args:
        threads: number of threads, at least 1.

    Raises:
        HandModelError: the network's file is missing or damaged.
    """

    def __init__(self, threads: int = 1) -> None:
        self._network = HandNetwork(HAND_LANDMARKS, threads)

    def read(self, image: NDArray[np.uint8], region: HandRegion) -> LandmarkedHand:
        """Find the landmarks of the hand in a region, if there is one.

        Args:
            image: uint8 RGB [H, W, 3].
            region: where the hand is; outside of the image its border is repeated.
        """
        side = self._network.side
        to_image = region.to_image(side)
        crop = cv2.warpAffine(
            image,
            to_image,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        values, presence, _ = self._network.run(np.asarray(crop, np.uint8))
        points = values.reshape(LANDMARKS, 3)[:, :2].astype(np.float64)
        landmarks = points @ to_image[:, :2].T + to_image[:, 2]
        return LandmarkedHand(landmarks, float(presence[0]))
