# SPDX-License-Identifier: Apache-2.0
"""A second look, nearer, at the place that a first look found.

A camera has more pixels than the model takes. What the model says of the part around the best
peak, which it then sees larger, is joined with what it said of the whole image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.runtime.peaks import find_peaks
from afformer_core.runtime.session import FloatArray

_LEAST_SHARE, _MOST_SHARE = 0.25, 0.95


@dataclass(frozen=True)
class Window:
    """A part of an image, in whole pixels.

    Attributes:
        left, top: its first column and row.
        width, height: its size.
    """

    left: int
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.left, self.top) < 0 or min(self.width, self.height) < 1:
            raise ValueError(f'{self} is no part of an image')

    @classmethod
    def around(cls, place: tuple[float, float], size: tuple[int, int], share: float) -> Window:
        """The part around a place, moved so that all of it lies inside.

        Args:
            place: (column, row) in pixels.
            size: (height, width) of the image.
            share: of the image's width and height that it has.
        """
        height, width = (max(1, round(share * side)) for side in size)
        left, top = (
            min(max(round(at - (part - 1) / 2), 0), side - part)
            for at, part, side in zip(place, (width, height), size[::-1], strict=True)
        )
        return cls(left, top, width, height)

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """This part of an image [H, W, ...]."""
        rows = slice(self.top, self.top + self.height)
        return image[rows, self.left : self.left + self.width]


def require_share(share: float) -> None:
    """Raise ValueError unless a closer look can have this share of an image; 0 is none."""
    if share and not _LEAST_SHARE <= share <= _MOST_SHARE:
        raise ValueError(
            f'closer_look is {share}; give the share of the image that is looked at once more, '
            f'{_LEAST_SHARE} to {_MOST_SHARE}, or 0 for no second look'
        )


def look_closer(
    image: NDArray[np.uint8],
    first: FloatArray,
    share: float,
    heatmap_of: Callable[[NDArray[np.uint8]], FloatArray],
) -> FloatArray:
    """Join a heatmap with that of the part of the image around its best peak.

    Within the part, the new heatmap is the geometric mean of both, so that it is no sharper than
    they are, and holds as much as the first had there; around it, it is the first.

    Args:
        image: uint8 RGB [H, W, 3].
        first: float32 [h, w], sum 1, of the whole image.
        share: of the image's width and height that the part has, see `require_share`.
        heatmap_of: gives of a part of the image float32 [h, w], sum 1.

    Returns:
        float32 [h / share, w / share], rounded, sum 1: where each pixel is as large as the
        second look's.
    """
    size = (int(image.shape[0]), int(image.shape[1]))
    best = find_peaks(first, size, 1)[0]
    window = Window.around((best.u, best.v), size, share)
    return _joined(first, heatmap_of(window.cut(image)), window, size, share)


def _joined(
    first: FloatArray, second: FloatArray, window: Window, size: tuple[int, int], share: float
) -> FloatArray:
    height, width = (round(side / share) for side in first.shape)
    joined = cv2.resize(first, (width, height), interpolation=cv2.INTER_LINEAR)
    columns = _Axis.of(window.left, window.width, size[1], width, second.shape[1])
    rows = _Axis.of(window.top, window.height, size[0], height, second.shape[0])
    nearer = cv2.warpAffine(
        second,
        np.array([[columns.scale, 0, columns.offset], [0, rows.scale, rows.offset]]),
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    part = (rows.inside, columns.inside)
    mean = np.sqrt(joined[part] * nearer[part])
    total = float(mean.sum(dtype=np.float64))
    # Two looks that agree on no pixel leave what the first one said.
    if total > 0:
        joined[part] = mean * (float(joined[part].sum(dtype=np.float64)) / total)
    return np.asarray(joined / joined.sum(dtype=np.float64), np.float32)


@dataclass(frozen=True)
class _Axis:
    """Along one axis, from pixels of the joined heatmap to those of the second look.

    Attributes:
        scale, offset: of a pixel's place, the first pixel's centre being 0.
        inside: the pixels whose centres the second look has.
    """

    scale: float
    offset: float
    inside: slice

    @classmethod
    def of(cls, begin: int, length: int, image: int, joined: int, second: int) -> _Axis:
        """Args: the window's first pixel and length, and sizes of the image and both heatmaps."""
        scale = image / joined * second / length
        offset = (0.5 * image / joined - begin) * second / length - 0.5
        first, last = begin * joined / image - 0.5, (begin + length) * joined / image - 0.5
        return cls(scale, offset, slice(max(0, int(np.ceil(first))), int(np.floor(last)) + 1))
