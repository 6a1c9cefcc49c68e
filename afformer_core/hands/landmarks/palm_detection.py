# SPDX-License-Identifier: Apache-2.0
"""Detection of palms in a part of an image, with MediaPipe's single-shot detector."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.landmarks.hand_networks import PALM_DETECTION, HandNetwork

Floats = NDArray[np.float64]
View = tuple[int, int, int, int]
"""Part of an image, (left, top, right, bottom) in pixels, inside of it."""

_SIDE = 192
# Stride of each grid of anchors, and the number of anchors in each of its cells.
_GRIDS = ((8, 2), (16, 6))
# Palms that overlap by more than this intersection over union are one palm.
_SAME_PALM = 0.3
# Indices of keypoints, after the two corners of the box.
_WRIST, _MIDDLE_KNUCKLE = 2, 4


@dataclass(frozen=True)
class Palm:
    """A detected palm, without its fingers.

    Attributes:
        box: (left, top, right, bottom) in pixels of the image.
        wrist: (x, y) of the wrist.
        middle_knuckle: (x, y) of the knuckle of the middle finger.
        score: confidence, 0 to 1.
    """

    box: tuple[float, float, float, float]
    wrist: tuple[float, float]
    middle_knuckle: tuple[float, float]
    score: float


class PalmDetector:
    """The network that finds palms.

    Args:
        least_score: lowest score of a palm, 0 to 1.
        threads: number of threads, at least 1.

    Raises:
        HandModelError: the network's file is missing or damaged.
    """

    def __init__(self, least_score: float, threads: int = 1) -> None:
        self._network = HandNetwork(PALM_DETECTION, threads)
        self._least_score = least_score
        self._anchors = anchors()

    def detect(self, image: NDArray[np.uint8], view: View) -> list[Palm]:
        """Detect the palms in a part of an image, best first.

        Args:
            image: uint8 RGB [H, W, 3].
            view: the part.
        """
        square, scale, (pad_x, pad_y) = letterboxed(image, view)
        values, logits = self._network.run(square)
        points, scores = decoded(values, logits[:, 0], self._anchors, self._least_score)
        points = points / scale + (view[0] - pad_x / scale, view[1] - pad_y / scale)
        return [
            Palm(
                (*detection[0].tolist(), *detection[1].tolist()),
                tuple(detection[_WRIST].tolist()),
                tuple(detection[_MIDDLE_KNUCKLE].tolist()),
                float(score),
            )
            for detection, score in merged(points, scores)
        ]


def anchors() -> Floats:
    """Return the middles of the anchors, (x, y) in pixels of the network's input, [2016, 2]."""
    grids = []
    for stride, per_cell in _GRIDS:
        middles = np.arange(stride / 2, _SIDE, stride)
        y, x = np.meshgrid(middles, middles, indexing='ij')
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), per_cell, axis=0))
    return np.concatenate(grids)


def letterboxed(
    image: NDArray[np.uint8], view: View
) -> tuple[NDArray[np.uint8], float, tuple[int, int]]:
    """Scale a part of an image into the middle of a black square.

    Returns:
        the square, uint8 [192, 192, 3]; its pixels per pixel of the image; and the widths of the
        black borders at left and top.
    """
    left, top, right, bottom = view
    part = image[top:bottom, left:right]
    scale = _SIDE / max(part.shape[:2])
    height, width = (max(1, round(scale * length)) for length in part.shape[:2])
    # Without averaging, only a few pixels of a much larger image would be sampled.
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(part, (width, height), interpolation=interpolation)
    x, y = (_SIDE - width) // 2, (_SIDE - height) // 2
    square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    square[y : y + height, x : x + width] = small
    return square, scale, (x, y)


def decoded(
    values: NDArray[np.float32], logits: NDArray[np.float32], middles: Floats, least: float
) -> tuple[Floats, Floats]:
    """Decode the network's outputs.

    Args:
        values: for each anchor the box's middle, its size and seven keypoints, (x, y) in pixels;
            the middle and keypoints relative to the anchor, [N, 18].
        logits: logits of a palm, [N].
        middles: middles of the anchors, [N, 2].
        least: lowest score.

    Returns:
        the points of each palm, its corners (left, top) and (right, bottom) and its keypoints,
        [M, 9, 2] in pixels; and its scores, [M].
    """
    scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
    found = np.flatnonzero(scores >= least)
    points = values[found].astype(np.float64).reshape(len(found), 9, 2)
    middle, half = points[:, 0] + middles[found], points[:, 1] / 2
    points[:, 2:] += middles[found, None]
    points[:, 0], points[:, 1] = middle - half, middle + half
    return points, scores[found]


def merged(points: Floats, scores: Floats) -> list[tuple[Floats, float]]:
    """Merge detections of the same palm: their mean by score, with the best score.

    Args:
        points: corners and keypoints, [N, 9, 2].
        scores: scores, [N].

    Returns:
        the points [9, 2] and the score of each palm, best first.
    """
    left = np.argsort(-scores, kind='stable')
    palms = []
    while len(left):
        best = left[0]
        same = _overlaps(points[best], points[left]) > _SAME_PALM
        # A box without area overlaps nothing, not even itself.
        same[0] = True
        palms.append((np.average(points[left[same]], 0, scores[left[same]]), float(scores[best])))
        left = left[~same]
    return palms


def _overlaps(one: Floats, others: Floats) -> Floats:
    """Compute the intersections over union of the box of a palm and those of others."""
    shared = np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0])
    intersection = np.maximum(shared, 0).prod(1)
    areas = (others[:, 1] - others[:, 0]).prod(1) + (one[1] - one[0]).prod()
    return np.asarray(intersection / np.maximum(areas - intersection, 1e-9))


# Crops along the longer and the shorter side of an image, and their share of each side.
_CROPS, _SHARE = (3, 2), 0.6


# Seconds. Frames that are farther apart leave time to search two views.
_LONG_INTERVAL = 0.06


class PalmViews:
    """The views of the frames of a video that are searched for palms.

    Hands that are small in the whole image are found in crops. While no hand is tracked, whole
    frames and one crop alternate, or both are used in each frame if frames are far apart. While a
    hand is tracked, only whole frames are used, or none.
    """

    def __init__(self) -> None:
        self._count = 0

    def next(self, size: tuple[int, int], interval: float, *, followed: bool) -> list[View]:
        """Return the views of the next frame.

        Args:
            size: (height, width) of the frame.
            followed: whether a hand is already tracked.
            interval: seconds since the previous frame.
        """
        turns = [self._count, self._count + 1] if interval >= _LONG_INTERVAL else [self._count]
        self._count += len(turns)
        return [view for turn in turns for view in _views(size, turn, followed=followed)]


def _views(size: tuple[int, int], turn: int, *, followed: bool) -> list[View]:
    if turn % 2 == 0:
        height, width = size
        return [(0, 0, width, height)]
    if followed:
        return []
    views = crops(size)
    return [views[turn // 2 % len(views)]]


def crops(size: tuple[int, int]) -> list[View]:
    """Return overlapping crops that cover an image.

    Args:
        size: (height, width) of the image.
    """
    height, width = size
    columns, rows = _CROPS if width >= height else _CROPS[::-1]
    lefts, tops = _starts(width, columns), _starts(height, rows)
    across, down = round(_SHARE * width), round(_SHARE * height)
    return [(left, top, left + across, top + down) for top in tops for left in lefts]


def _starts(length: int, count: int) -> list[int]:
    free = length - round(_SHARE * length)
    return [round(free * number / (count - 1)) for number in range(count)]
