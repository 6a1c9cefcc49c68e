# SPDX-License-Identifier: Apache-2.0
"""Hands and their landmarks in the frames of one video, followed from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.contact_estimate import hand_size
from afformer_core.hands.landmarks.hand_region import (
    HandRegion,
    region_of_landmarks,
    region_of_palm,
)
from afformer_core.hands.landmarks.landmark_network import LandmarkedHand, LandmarkNetwork
from afformer_core.hands.landmarks.palm_detection import PalmDetector, PalmViews, View

# Regions that overlap by more than this intersection over union are of the same hand.
_SAME_REGION = 0.5
# In hand sizes: hands with a smaller mean distance of landmarks are the same hand.
_SAME_HAND = 0.35
# Seconds between frames after which hands are no longer tracked.
_LONGEST_GAP = 1.0


class HandLandmarker:
    """A detector of the landmarks of hands in the frames of one video.

    It tracks each hand from frame to frame, which finds more hands than single frames do. It
    starts again if the time jumps back or ahead by more than a second, or if the size of the
    images changes.

    Args:
        detection_confidence: minimum score of a palm to start tracking, 0 to 1.
        presence_confidence: minimum score of a tracked region to count as a hand, 0 to 1.
        most_hands: largest number of hands, at least 1.
        threads: number of threads, at least 1.

    Raises:
        HandModelError: the networks' files are missing or damaged.
    """

    def __init__(
        self,
        detection_confidence: float = 0.5,
        presence_confidence: float = 0.5,
        most_hands: int = 2,
        threads: int = 1,
    ) -> None:
        self._palms = PalmDetector(detection_confidence, threads)
        self._landmarks = LandmarkNetwork(threads)
        self._presence_confidence = presence_confidence
        self._most_hands = most_hands
        self._views = PalmViews()
        self._followed: list[HandRegion] = []
        self._time = -np.inf
        self._size = (0, 0)

    def detect(self, image: NDArray[np.uint8], time: float) -> list[LandmarkedHand]:
        """Detect the hands in the next frame.

        Args:
            image: uint8 RGB [H, W, 3].
            time: time of the frame, seconds.

        Returns:
            the hands, sorted by decreasing time of tracking.
        """
        size, interval = (image.shape[0], image.shape[1]), time - self._time
        if size != self._size or not 0 <= interval <= _LONGEST_GAP:
            self._followed, self._views = [], PalmViews()
        self._size, self._time = size, time
        hands = self._read(image, self._followed, [])
        if len(hands) < self._most_hands:
            for view in self._views.next(size, interval, followed=bool(hands)):
                hands = self._read(image, self._new_regions(image, view, hands), hands)
                if hands:
                    break
        self._followed = [region_of_landmarks(hand.landmarks) for hand in hands]
        return hands

    def _new_regions(
        self, image: NDArray[np.uint8], view: View, hands: Iterable[LandmarkedHand]
    ) -> list[HandRegion]:
        """Return the regions of palms that belong to none of the hands."""
        known = [region_of_landmarks(hand.landmarks) for hand in hands]
        regions = [region_of_palm(palm) for palm in self._palms.detect(image, view)]
        return [
            region
            for region in regions
            if all(region.overlap(other) <= _SAME_REGION for other in known)
        ]

    def _read(
        self, image: NDArray[np.uint8], regions: Iterable[HandRegion], hands: list[LandmarkedHand]
    ) -> list[LandmarkedHand]:
        """Add the new hands that are found in regions."""
        hands = list(hands)
        for region in regions:
            if len(hands) < self._most_hands:
                hand = self._landmarks.read(image, region)
                if hand.score >= self._presence_confidence and not any(
                    _is_same(hand, other) for other in hands
                ):
                    hands.append(hand)
        return hands


def _is_same(one: LandmarkedHand, other: LandmarkedHand) -> bool:
    distance = np.linalg.norm(one.landmarks - other.landmarks, axis=1).mean()
    size = max(hand_size(one.landmarks), hand_size(other.landmarks))
    return bool(distance < _SAME_HAND * size)
