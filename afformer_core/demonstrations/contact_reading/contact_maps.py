# SPDX-License-Identifier: Apache-2.0
"""Maps of the contact over the first frame: from hands, from changes, and combined."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

# Shares of the diagonal: distance between contact and fingertip, blur of a change, and blur of the
# map of changes.
_SPREAD, _CHANGE_BLUR, _MAP_BLUR = 0.025, 0.008, 0.015
# Minimum of the maps, whose maximum is 1, so that no map excludes a pixel.
_LEAST_HAND, _LEAST_CHANGE = 0.02, 0.05
# Moments this many nats below the best one of their hand are left out; their weight is far below
# the minimum of the maps.
_NEGLIGIBLE = 8.0
# Weight of a change at a hand of the first frame, which leaves.
_HAND_LEAVES = 0.3
_CHANGE_WEIGHT = 1.5
# Minimum change of an image, after the blurs, if an object is moved away, in grey levels; shadows,
# light and noise cause smaller changes.
_CLEAR_CHANGE = 60.0


def hand_map(
    tips: NDArray[np.float64], weights: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Draw the moments of hands as a map.

    Args:
        tips: [N, 2] (x, y), fingertips in pixels of the first frame.
        weights: [N], logarithm of the weight of each fingertip.
        shape: (height, width).

    Returns:
        [h, w], logarithm of the largest weight of a fingertip at each pixel.
    """
    height, width = shape
    factor = -0.5 / (_SPREAD * np.hypot(height, width)) ** 2
    best = np.full(shape, -np.inf)
    chosen = weights > weights.max() - _NEGLIGIBLE
    for (x, y), weight in zip(tips[chosen], weights[chosen], strict=True):
        across = factor * np.square(np.arange(width) + 0.5 - x)
        down = factor * np.square(np.arange(height) + 0.5 - y)
        np.maximum(best, weight + down[:, None] + across[None], out=best)
    return best


def change_map(
    first: NDArray[np.uint8],
    last: NDArray[np.uint8],
    last_to_first: NDArray[np.float64],
    hands: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Compute how much each pixel of the first frame has changed in the last frame.

    Args:
        first, last: uint8 RGB [h, w, 3].
        last_to_first: [3, 3], motion of the background from the last frame to the first.
        hands: bool [h, w], mask of the hands in the first frame.

    Returns:
        [h, w], 0 to 1; smaller everywhere if no change is clear.
    """
    height, width = hands.shape
    diagonal = float(np.hypot(height, width))
    aligned = cv2.warpAffine(
        last, last_to_first[:2], (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    difference = cv2.absdiff(first, aligned).max(axis=2).astype(np.float32)
    difference = cv2.GaussianBlur(difference, (0, 0), _CHANGE_BLUR * diagonal)
    difference *= np.where(hands, np.float32(_HAND_LEAVES), np.float32(1.0))
    change = cv2.GaussianBlur(difference, (0, 0), _MAP_BLUR * diagonal)
    return np.asarray(change / max(float(change.max()), _CLEAR_CHANGE), np.float64)


def combined_map(
    prior: NDArray[np.float32],
    change: NDArray[np.float64],
    hands: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Combine the maps to log-probabilities of the contact, [h, w].

    Args:
        prior: log-probabilities [H, W] over the first frame.
        change: [h, w], 0 to 1.
        hands: [h, w] for each hand, see `hand_map`.
    """
    height, width = change.shape
    resized = cv2.resize(prior, (width, height), interpolation=cv2.INTER_LINEAR)
    logits = resized.astype(np.float64) + _CHANGE_WEIGHT * np.log(change + _LEAST_CHANGE)
    if hands:
        joint = np.max(hands, axis=0)
        logits += np.log(np.exp(joint - joint.max()) + _LEAST_HAND)
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=None), np.float64)
