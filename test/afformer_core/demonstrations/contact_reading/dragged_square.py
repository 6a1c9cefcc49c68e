# SPDX-License-Identifier: Apache-2.0
"""Frames of a hand that drags a textured square over a textured wall."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.demonstrations.contact_reading.demonstration_reader import DetectedHand

WIDTH, HEIGHT = 240, 176
RATE = 15.0
# The hand takes the square here, in the first frame, and at this frame.
GRIP = np.array([143.0, 71.0])
TAKEN = 17
# Landmarks of a hand whose fingers point to the left, in palm lengths around the fingertips.
OPEN_HAND = np.array([
    (1.75, 0.1), (1.5, 0.35), (1.1, 0.5), (0.6, 0.6), (0.1, 0.5),
    (0.8, -0.2), (0.5, -0.25), (0.25, -0.2), (-0.02, -0.22),
    (0.75, 0.0), (0.45, 0.0), (0.2, 0.0), (0.02, -0.05),
    (0.75, 0.15), (0.5, 0.2), (0.35, 0.2), (0.25, 0.2),
    (0.8, 0.3), (0.6, 0.35), (0.5, 0.35), (0.42, 0.33),
])  # fmt: skip
PALM = 22.0
_SQUARE = 34


def _texture(seed: int, low: int, high: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return cv2.normalize(smooth, None, low, high, cv2.NORM_MINMAX).astype(np.uint8)


WALL, SQUARE, SKIN = _texture(1, 0, 150), _texture(2, 80, 255), _texture(3, 150, 220)


def fingertip_at(frame: int) -> np.ndarray:
    """Where the fingertips are: they come from the right, rest, and drag to the lower left."""
    if frame < 12:
        return GRIP + (5.0 * (12 - frame), 2.0 * (12 - frame))
    return GRIP + max(0, frame - TAKEN) * np.array([-2.5, 1.5])


def hand_at(frame: int, rest: np.ndarray | None = None) -> np.ndarray:
    """Landmarks of the hand, whose thumb closes when it takes the square; or of one at rest."""
    hand = OPEN_HAND.copy()
    if rest is None and frame >= TAKEN:
        hand[4] = (0.05, 0.05)
    return (fingertip_at(frame) if rest is None else rest) + PALM * hand


def dragged_frame(frame: int, hands: list[np.ndarray], drift: tuple[float, float] = (0.0, 0.0)):
    """A frame, uint8 RGB [h, w, 3], of a camera whose image of the wall drifts by so much."""
    shift = np.array([[1.0, 0.0, drift[0] * frame], [0.0, 1.0, drift[1] * frame]])
    image = cv2.warpAffine(WALL, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    corner = GRIP - (_SQUARE - 6, _SQUARE / 2) + max(0, frame - TAKEN) * np.array([-2.5, 1.5])
    _paste(image, SQUARE, corner + np.multiply(drift, frame), np.array([
        (0, 0), (_SQUARE, 0), (_SQUARE, _SQUARE), (0, _SQUARE)
    ]))  # fmt: skip
    for hand in hands:
        hull = cv2.convexHull(hand.astype(np.float32))[:, 0]
        _paste(image, SKIN, hand[0], hull - hand[0])
    return image


def _paste(image: np.ndarray, texture: np.ndarray, corner: np.ndarray, outline: np.ndarray):
    """Draw a region of a texture that moves with its corner."""
    shift = np.array([[1.0, 0.0, corner[0] - 100], [0.0, 1.0, corner[1] - 80]])
    moved = cv2.warpAffine(texture, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.round(outline + corner).astype(np.int32)], 1)
    image[mask > 0] = moved[mask > 0]


def dragged(
    drift: tuple[float, float] = (0.0, 0.0), rest: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, list[list[DetectedHand]]]:
    """Images, times and hands of a clip; with another hand that rests at a point, if given."""
    images, hands = [], []
    for frame in range(34):
        found = [hand_at(frame)] + ([] if rest is None else [hand_at(frame, rest)])
        found = [hand + np.multiply(drift, frame) for hand in found]
        images.append(dragged_frame(frame, found, drift))
        hands.append([DetectedHand(hand, 0.9 - 0.1 * k) for k, hand in enumerate(found)])
    return np.stack(images), np.arange(34) / RATE, hands


FLAT_PRIOR = np.full((11, 15), -5.1, np.float32)
