# SPDX-License-Identifier: Apache-2.0
"""Motion of the surroundings of a fingertip, together with the hand."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.camera_motion import background_flow
from afformer_core.demonstrations.contact_reading.hand_shape import Landmarks, fingertip
from afformer_core.hands.contact_estimate import hand_size

# Pixels per frame against the background; slower motion is below the accuracy of the flow.
_STILL = 0.5
# Minimum gradient of the image at which flow is reliable, in grey levels per pixel.
_TEXTURE = 2.0
_LEAST_PIXELS = 15
# Maximum difference between the velocities of a hand and of a moved object, as a share of the
# hand's speed.
_LIKE_HAND = 0.4


@dataclass(frozen=True)
class FrameMotion:
    """A frame and its motion to the next one.

    Attributes:
        grey: uint8 [h, w], the frame.
        flow: float32 [h, w, 2], motion of its pixels.
        camera: [3, 3], motion of its background.
    """

    grey: NDArray[np.uint8]
    flow: NDArray[np.float32]
    camera: NDArray[np.float64]

    def steps(self, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the motion against the background of pixels [N, 2] (column, row)."""
        steps = self.flow[pixels[:, 1], pixels[:, 0]] - background_flow(self.camera, pixels)
        return np.asarray(steps, np.float64)


def measure_comotion(motion: FrameMotion, hand: Landmarks, hands: NDArray[np.bool_]) -> float:
    """Measure how much of the surroundings of a fingertip, within one hand size, moves with it.

    Args:
        motion: the frame and its motion.
        hand: landmarks of the hand, [21, 2] pixels.
        hands: bool [h, w], mask of all hands and forearms.

    Returns:
        share of the textured surroundings that moves like the hand, 0 to 1; NaN if the hand stands
        still or little is textured.
    """
    centre = fingertip(hand)
    points = _textured_surroundings(motion.grey, centre, hand_size(hand), hands)
    if len(points) < _LEAST_PIXELS:
        return np.nan
    height, width = motion.grey.shape
    inside = np.clip(hand.astype(np.int64), 0, [width - 1, height - 1])
    hand_step = np.median(motion.steps(inside), axis=0)
    speed = float(np.linalg.norm(hand_step))
    if speed <= _STILL:
        return np.nan
    differences = np.linalg.norm(motion.steps(points) - hand_step, axis=1)
    return float((differences < _LIKE_HAND * speed).mean())


def _textured_surroundings(
    grey: NDArray[np.uint8], centre: NDArray[np.float64], radius: float, hands: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the pixels [N, 2] (column, row) around a point that are textured and on no hand."""
    height, width = grey.shape
    left, top = np.maximum(np.floor(centre - radius).astype(int), 0)
    right, bottom = np.minimum(np.ceil(centre + radius).astype(int) + 1, [width, height])
    if left >= right or top >= bottom:
        return np.zeros((0, 2), np.int64)
    part = grey[top:bottom, left:right]
    across, down = (cv2.Sobel(part, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    rows, columns = np.mgrid[top:bottom, left:right]
    near = np.hypot(columns - centre[0], rows - centre[1]) < radius
    chosen = near & ~hands[top:bottom, left:right] & (np.hypot(across, down) > _TEXTURE)
    return np.stack([columns[chosen], rows[chosen]], axis=1)
