# SPDX-License-Identifier: Apache-2.0
"""Camera motion between two frames of a video, estimated from the static background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.data.augmentation.geometric import Homography

_CORNERS, _QUALITY, _APART = 300, 0.01, 5
_WINDOW, _LEVELS = (15, 15), 3
# Pixels: largest error of a corner tracked forward and back, and of a corner that moves
# consistently.
_OFF_BACK, _OFF = 0.5, 1.5
# Least number, and least share of the tracked corners, that must move consistently.
_LEAST, _SHARE = 20, 0.5


def camera_motion(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Homography | None:
    """Estimate where the static background of one frame lies in another.

    Corners are tracked (Lucas and Kanade), and most of them must agree, because hands and carried
    objects move differently.

    Args:
        first, second: uint8 [H, W, 3] RGB, of one size.

    Returns:
        [3, 3] from (x, y, 1) in the first frame to that in the second; None if too little is
        visible in both, for example after a cut.
    """
    before, after = map(_grey, (first, second))
    corners = _corners(before)
    if len(corners) < _LEAST:
        return None
    there, found = _followed(before, after, corners)
    back, found_back = _followed(after, before, there)
    off = np.linalg.norm(back - corners, axis=-1).ravel()
    kept = found & found_back & (off < _OFF_BACK)
    if kept.sum() < _LEAST:
        return None
    homography, agreeing = cv2.findHomography(corners[kept], there[kept], cv2.RANSAC, _OFF)
    if homography is None or agreeing.sum() < max(_LEAST, _SHARE * len(agreeing)):
        return None
    return np.asarray(homography, np.float64)


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _corners(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Detect corners, [N, 1, 2], in OpenCV's layout."""
    corners = cv2.goodFeaturesToTrack(image, _CORNERS, _QUALITY, _APART)
    return np.empty((0, 1, 2), np.float32) if corners is None else np.asarray(corners, np.float32)


def _followed(
    first: NDArray[np.uint8], second: NDArray[np.uint8], corners: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, np.empty_like(corners), winSize=_WINDOW, maxLevel=_LEVELS
    )
    return np.asarray(there, np.float32), found.ravel().astype(bool)
