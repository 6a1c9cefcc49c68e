# SPDX-License-Identifier: Apache-2.0
"""Points of a photograph that can be recognized again, so that a hand may touch them."""

from __future__ import annotations

import cv2
import numpy as np

_CANDIDATES = 80
_QUALITY = 0.02
# Least distance of points from each other and from the border, as shares of the shorter side.
_APART, _MARGIN = 0.07, 0.1


def find_interest_points(image: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points with structure around them: float64 [at most count, 2] pixels.

    Args:
        image: uint8 [H, W, 3] RGB.
        count: number of points.
        rng: source of randomness.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    side = min(grey.shape)
    margin = round(_MARGIN * side)
    mask = np.zeros_like(grey)
    mask[margin:-margin, margin:-margin] = 255
    # structure of the size of a fingertip rather than of a pixel
    smooth = cv2.GaussianBlur(grey, (0, 0), side / 120)
    corners = cv2.goodFeaturesToTrack(
        smooth, _CANDIDATES, _QUALITY, _APART * side, mask=mask, blockSize=max(3, side // 40)
    )
    if corners is None:
        middle = [[(image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2]]
        return np.array(middle)
    positions = corners[:, 0].astype(np.float64)
    chosen: np.ndarray = positions[rng.permutation(len(positions))[:count]]
    return chosen
