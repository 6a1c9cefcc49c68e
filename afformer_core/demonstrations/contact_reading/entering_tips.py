# SPDX-License-Identifier: Apache-2.0
"""Tips of objects that enter the image: fingers of a hand whose palm is out of view.

Landmarks need a palm. If a finger presses a key of a device that fills the image, no palm is
visible. However, the finger enters from the border, over a background that is known from the first
frame, and rests at the contact.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.contact_reading.contact_observer import ObservedFrame

# Maximum number of frames that are compared with the first one.
_MOST_FRAMES = 96
# Minimum difference from the background, in grey levels.
_DIFFERENCE = 28.0
# A shadow darkens all colours equally: to at least the first share, and within the second share of
# each other.
_DARKEST, _ALIKE = 0.35, 0.1
# Minimum area as a share of the image; and, as shares of the diagonal, the minimum reach into the
# image and the minimum distance between tips.
_LEAST_AREA, _LEAST_REACH, _APART = 0.003, 0.04, 0.06
# Speed at which the weight of a tip is halved, in diagonals per second, and seconds over which the
# speed is measured.
_SLOW, _WINDOW = 0.1, 0.1
# Error of a tip, as a share of the diagonal.
_SPREAD = 0.02
_LEAST_MAP = 0.05

Tips = NDArray[np.float64]
"""[N, 2] (x, y), tips in pixels of the first frame."""


def entering_map(frames: Sequence[ObservedFrame]) -> NDArray[np.float64] | None:
    """Draw a map, over the first frame, of the time that entering tips spend at each pixel.

    Args:
        frames: the frames, whose `to_first` maps points to the first of them.

    Returns:
        [h, w], logarithm of the time spent at a pixel as a share of the longest time at any pixel,
        at least log(0.05); None if nothing enters.
    """
    chosen = frames[:: -(-len(frames) // _MOST_FRAMES)]
    height, width = frames[0].image.shape[:2]
    diagonal = float(np.hypot(width, height))
    background = _smooth(frames[0].image)
    tips = [np.zeros((0, 2))]
    for frame in chosen[1:]:
        tips.append(entering_tips(frame.image, frame.to_first, background))
    times = np.array([frame.time for frame in chosen])
    total = np.zeros((height, width))
    factor = -0.5 / (_SPREAD * diagonal) ** 2
    for number, found in enumerate(tips):
        for (x, y), speed in zip(found, tip_speeds(tips, times, number), strict=True):
            across = factor * np.square(np.arange(width) - x)
            down = factor * np.square(np.arange(height) - y)
            share = 1 / (1 + (speed / (_SLOW * diagonal)) ** 2)
            total += share * np.exp(down[:, None] + across[None])
    if total.max() <= 0:
        return None
    return np.asarray(np.log(total / total.max() + _LEAST_MAP))


def tip_speeds(
    tips: Sequence[Tips], times: NDArray[np.float64], number: int
) -> NDArray[np.float64]:
    """Compute the speed of each tip of a frame, [N] pixels per second.

    This is the larger of the speeds from an earlier frame and to a later one, each relative to the
    nearest tip; infinite if there is none.

    Args:
        tips: tips of each frame.
        times: seconds of each frame.
        number: number of the frame.
    """
    here = tips[number]
    speeds = np.zeros(len(here))
    for other in (
        int(np.searchsorted(times, times[number] - _WINDOW + 1e-6)) - 1,
        int(np.searchsorted(times, times[number] + _WINDOW - 1e-6)),
    ):
        if not 0 <= other < len(tips) or not len(tips[other]):
            return np.full(len(here), np.inf)
        apart = np.linalg.norm(here[:, None] - tips[other][None], axis=2).min(1)
        speeds = np.maximum(speeds, apart / abs(times[other] - times[number]))
    return speeds


def entering_tips(
    image: UInt8Array, to_first: NDArray[np.float64], background: NDArray[np.float32]
) -> Tips:
    """Find the tips of objects that entered: their points farthest from the border.

    Args:
        image: uint8 RGB [h, w, 3].
        to_first: [3, 3], maps a point of its background to the first frame.
        background: float32 [h, w, 3], the first frame, smoothed.
    """
    height, width = image.shape[:2]
    diagonal = float(np.hypot(width, height))
    changed = changed_mask(image, to_first, background)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(changed)
    size = 2 * int(_APART * diagonal) + 1
    neighbourhood = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    found: list[NDArray[np.float64]] = [np.zeros((0, 2))]
    for label in range(1, count):
        if statistics[label, cv2.CC_STAT_AREA] < _LEAST_AREA * height * width:
            continue
        left, top, columns, rows = statistics[label, : cv2.CC_STAT_AREA]
        box = np.s_[top : top + rows, left : left + columns]
        inside = labels == label
        entry = np.ones((height, width), np.uint8)
        for border in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
            entry[border][inside[border]] = 0
        if entry.all():
            continue
        reach = cv2.distanceTransform(entry[box], cv2.DIST_L2, 5) * inside[box]
        highest = reach >= cv2.dilate(reach, neighbourhood) - 1e-3
        down, across = np.nonzero(highest & (reach > _LEAST_REACH * diagonal))
        found.append(np.stack((across + left, down + top), axis=1).astype(np.float64))
    return np.concatenate(found)


def changed_mask(
    image: UInt8Array, to_first: NDArray[np.float64], background: NDArray[np.float32]
) -> UInt8Array:
    """Find pixels that differ from the background and are not shadow; uint8 [h, w], 0 or 1.

    See `entering_tips` for the arguments.
    """
    height, width = image.shape[:2]
    aligned, known = image, np.ones((height, width), bool)
    if not np.allclose(to_first, np.eye(3), atol=1e-3):
        matrix, size = to_first[:2], (width, height)
        aligned = np.asarray(cv2.warpAffine(image, matrix, size), np.uint8)
        known = cv2.warpAffine(np.ones((height, width), np.uint8), matrix, size) > 0
    seen = _smooth(aligned)
    ratios = (seen + 8) / (background + 8)
    darker = np.mean(cv2.split(ratios), axis=0)
    unlike = np.max(cv2.split(np.abs(ratios - darker[..., None])), axis=0)
    alike = unlike < _ALIKE * np.maximum(darker, 0.3)
    shadow = alike & (darker > _DARKEST) & (darker < 1.02)
    difference = np.max(cv2.split(np.abs(seen - background)), axis=0)
    changed = (difference > _DIFFERENCE) & ~shadow & known
    mask = changed.astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.uint8)


def _smooth(image: UInt8Array) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.float32)
