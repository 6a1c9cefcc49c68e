# SPDX-License-Identifier: Apache-2.0
"""Rotated squares around hands, in which their landmarks are found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.landmarks.palm_detection import Palm

Floats = NDArray[np.float64]

# Landmarks of the palm and of the fingers' lower halves; tips move too much.
_STEADY = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
_WRIST, _INDEX_KNUCKLE, _MIDDLE_KNUCKLE, _RING_KNUCKLE = 0, 5, 9, 13
# Side of the square as a multiple of its source's length, and shift of its middle towards the
# fingers, likewise.
_PALM_ENLARGED, _PALM_MOVED = 2.6, 0.5
_LANDMARKS_ENLARGED, _LANDMARKS_MOVED = 2.0, 0.1


@dataclass(frozen=True)
class HandRegion:
    """A square around a hand, turned with it.

    Attributes:
        x, y: its middle, in pixels of the image.
        side: its side in pixels.
        angle: clockwise angle of the hand from pointing up, radians.
    """

    x: float
    y: float
    side: float
    angle: float

    def to_image(self, side: int) -> Floats:
        """Return the affine map from a crop of the region to the image, [2, 3].

        Args:
            side: side of the crop in pixels; its upper edge is at the fingertips.
        """
        scale = self.side / side
        turn = scale * _rotation(self.angle)
        middle = np.array([self.x, self.y]) - turn @ (side / 2, side / 2)
        return np.column_stack([turn, middle])

    def overlap(self, other: HandRegion) -> float:
        """Compute the intersection over union with another region, as if both were upright."""
        reach = (self.side + other.side) / 2
        shared = [
            max(0.0, min(reach - abs(step), self.side, other.side))
            for step in (self.x - other.x, self.y - other.y)
        ]
        intersection = shared[0] * shared[1]
        return intersection / (self.side**2 + other.side**2 - intersection)


def region_of_palm(palm: Palm) -> HandRegion:
    """Return the region of the hand of a palm."""
    left, top, right, bottom = palm.box
    length = max(right - left, bottom - top)
    middle = np.array([left + right, top + bottom]) / 2
    angle = _angle(np.array(palm.wrist), np.array(palm.middle_knuckle))
    return _moved(middle, length, angle, _PALM_MOVED, _PALM_ENLARGED)


def region_of_landmarks(landmarks: Floats) -> HandRegion:
    """Return the region of a hand in the next frame.

    Args:
        landmarks: its landmarks in this frame, [21, 2] pixels.
    """
    knuckles = (landmarks[_INDEX_KNUCKLE] + landmarks[_RING_KNUCKLE]) / 2
    angle = _angle(landmarks[_WRIST], (knuckles + landmarks[_MIDDLE_KNUCKLE]) / 2)
    rotation = _rotation(angle)
    upright = landmarks[_STEADY] @ rotation
    least, most = upright.min(0), upright.max(0)
    middle = rotation @ ((least + most) / 2)
    return _moved(
        middle, float((most - least).max()), angle, _LANDMARKS_MOVED, _LANDMARKS_ENLARGED
    )


def _moved(
    middle: Floats, length: float, angle: float, moved: float, enlarged: float
) -> HandRegion:
    """Move a square towards the fingers and enlarge it."""
    x, y = middle + _rotation(angle) @ (0.0, -moved * length)
    return HandRegion(float(x), float(y), enlarged * max(length, 1.0), angle)


def _angle(wrist: Floats, knuckle: Floats) -> float:
    """Compute the clockwise angle from up to the direction from wrist to knuckle, radians."""
    x, y = knuckle - wrist
    return math.atan2(x, -y)


def _rotation(angle: float) -> Floats:
    """Return the matrix that turns image coordinates clockwise."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])
