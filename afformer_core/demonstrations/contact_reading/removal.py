# SPDX-License-Identifier: Apache-2.0
"""Map of where an object has gone, rather than come, by the end of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.contact_observer import ObservedFrame
from afformer_core.demonstrations.contact_reading.hand_shape import hand_mask

# Number of frames of which the mean shows a pixel without hands, and number of frames before and
# after a hand in which its blurred outline may still cover a pixel.
_AVERAGED, _BESIDE = 5, 2
# Minimum change in grey levels; shadows, light and noise cause smaller changes.
_CLEAR_CHANGE = 22.0
# Blur of a change in pixels at least and as a share of the diagonal, and of the edges around it.
_LEAST_BLUR, _CHANGE_BLUR, _EDGE_BLUR = 0.8, 0.004, 0.025
# Gradient that is added to both sides of the ratio, in grey levels per pixel, and the maximum of
# its logarithm.
_FAINT_EDGES, _MOST = 0.3, 2.0


def removal_map(frames: Sequence[ObservedFrame]) -> NDArray[np.float32]:
    """Compare the edges around changed pixels before and after the change.

    An object that is taken away leaves its outline in the first frames only, and an object that is
    put down has it in the last frames only. Frames in which a hand covers a pixel do not count for
    this pixel.

    Args:
        frames: one or more frames, whose `to_first` maps points to the first of them.

    Returns:
        float32 [h, w], logarithm of the ratio of the edges near a pixel before and after, -2 to 2;
        0 where nothing changes.
    """
    diagonal = float(np.hypot(*frames[0].image.shape[:2]))
    hidden = [_hidden(frame) for frame in frames]
    first = _without_hands(frames, hidden)
    last = _without_hands(frames[::-1], hidden[::-1])
    blur = max(_LEAST_BLUR, _CHANGE_BLUR * diagonal)
    difference = np.max(cv2.split(np.abs(first - last)), axis=0)
    change = cv2.GaussianBlur(difference, (0, 0), blur)
    changed = (change > _CLEAR_CHANGE).astype(np.uint8)
    changed = np.asarray(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3))), np.uint8)
    around = np.ones((5, 5), np.uint8)
    outline = (cv2.dilate(changed, around) - cv2.erode(changed, around)).astype(np.float32)
    before, after = (
        cv2.GaussianBlur(_edges(image) * outline, (0, 0), _EDGE_BLUR * diagonal)
        for image in (first, last)
    )
    ratio = np.log((before + _FAINT_EDGES) / (after + _FAINT_EDGES))
    return np.asarray(np.clip(ratio, -_MOST, _MOST), np.float32)


def _hidden(frame: ObservedFrame) -> NDArray[np.bool_]:
    """Return the pixels of the first frame that a hand hides or that are out of view."""
    hands = hand_mask([hand.landmarks for hand in frame.hands], frame.image.shape[:2])
    return _aligned(hands.astype(np.uint8), frame.to_first, cv2.INTER_NEAREST) > 0


def _aligned(
    image: NDArray[np.uint8], to_first: NDArray[np.float64], interpolation: int
) -> NDArray[np.uint8]:
    """Move an image [h, w] or [h, w, 3] over the first frame; pixels out of view are 1."""
    if np.array_equal(to_first, np.eye(3)):
        return image
    moved = cv2.warpAffine(
        image, to_first[:2], image.shape[1::-1], flags=interpolation, borderValue=(1, 1, 1)
    )
    return np.asarray(moved, np.uint8)


def _without_hands(
    frames: Sequence[ObservedFrame], hidden: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float32]:
    """Average the first five frames that show each pixel.

    Args:
        frames: the frames in either order.
        hidden: [h, w] for each, see `_hidden`.

    Returns:
        float32 [h, w, 3]; 0 for pixels that no frame shows.
    """
    total = np.zeros(frames[0].image.shape, np.float32)
    count = np.zeros(total.shape[:2], np.float32)
    for number, frame in enumerate(frames):
        near = hidden[max(0, number - _BESIDE) : number + _BESIDE + 1]
        shown = ~np.logical_or.reduce(near) & (count < _AVERAGED)
        total[shown] += _aligned(frame.image, frame.to_first, cv2.INTER_LINEAR)[shown]
        count += shown
        if count.min() >= _AVERAGED:
            break
    return np.asarray(total / np.maximum(count, 1.0)[..., None], np.float32)


def _edges(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest gradient of the colours [h, w] in grey levels per pixel."""
    across, down = (cv2.Sobel(image, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.asarray(np.max(cv2.split(np.hypot(across, down)), axis=0), np.float32)
