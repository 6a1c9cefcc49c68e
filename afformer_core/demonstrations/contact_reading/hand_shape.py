# SPDX-License-Identifier: Apache-2.0
"""Points and regions of a hand, from its 21 landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.contact_estimate import hand_size

Landmarks = NDArray[np.float64]

# Landmarks of MediaPipe.
_WRIST, _THUMB_TIP, _INDEX_TIP, _MIDDLE_KNUCKLE, _MIDDLE_TIP = 0, 4, 8, 9, 12
# Landmarks of the palm, whose centre hardly moves with the fingers.
_PALM = [0, 5, 9, 13, 17]
# Weights of the tips of thumb, index and middle finger in the point of contact, where they meet.
_TIP_SHARES = {_THUMB_TIP: 0.35, _INDEX_TIP: 0.45, _MIDDLE_TIP: 0.2}
# In hand sizes: width and length of the visible forearm, and thickness around the landmarks.
_FOREARM_BREADTH, _FOREARM_LENGTH, _FLESH = 0.6, 3.0, 0.22
# In hand sizes: palms that are closer belong to the same hand.
_SAME_HAND = 0.6


def fingertip(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return the point where thumb, index and middle finger meet, given landmarks [..., 21, 2]."""
    return np.asarray(
        sum(share * landmarks[..., tip, :] for tip, share in _TIP_SHARES.items()), np.float64
    )


def palm(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return the centre of the palm, given landmarks [..., 21, 2]."""
    return np.asarray(landmarks[..., _PALM, :].mean(axis=-2), np.float64)


def finger_gap(landmarks: Landmarks) -> float:
    """Return the distance between the tips of thumb and index finger, in pixels."""
    return float(np.linalg.norm(landmarks[_THUMB_TIP] - landmarks[_INDEX_TIP]))


def draw_hand(region: NDArray[np.uint8], landmarks: Landmarks) -> None:
    """Draw the visible part of a hand and its forearm into uint8 [h, w] as 1."""
    size = hand_size(landmarks)
    drawn = np.zeros_like(region)
    hull = cv2.convexHull(landmarks.astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(drawn, hull, 1)
    wrist = landmarks[_WRIST]
    arm = wrist - landmarks[_MIDDLE_KNUCKLE]
    arm = arm / max(float(np.linalg.norm(arm)), 1e-6)
    elbow = wrist + _FOREARM_LENGTH * size * arm
    ends = [(round(x), round(y)) for x, y in (wrist, elbow)]
    cv2.line(drawn, ends[0], ends[1], 1, max(1, int(_FOREARM_BREADTH * size)))
    side = 2 * max(1, int(_FLESH * size)) + 1
    np.maximum(region, cv2.dilate(drawn, np.ones((side, side), np.uint8)), out=region)


def hand_mask(hands: Sequence[Landmarks], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of hands and their forearms, bool [h, w]."""
    region = np.zeros(shape, np.uint8)
    for landmarks in hands:
        draw_hand(region, landmarks)
    return region > 0


def distinct_hands(hands: Sequence[Landmarks], scores: Sequence[float]) -> list[int]:
    """Choose the detection with the highest score for each hand.

    Args:
        hands: landmarks [21, 2] pixels each.
        scores: score of each.

    Returns:
        indices of the chosen detections, by descending score.
    """
    chosen: list[int] = []
    for index in sorted(range(len(hands)), key=lambda number: -scores[number]):
        if all(_apart(hands[index], hands[other]) for other in chosen):
            chosen.append(index)
    return chosen


def _apart(one: Landmarks, other: Landmarks) -> bool:
    distance = float(np.linalg.norm(palm(one) - palm(other)))
    return distance > _SAME_HAND * hand_size(other)
