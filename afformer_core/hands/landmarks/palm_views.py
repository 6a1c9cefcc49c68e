# SPDX-License-Identifier: Apache-2.0
"""Parts of images that are searched for palms, in turn."""

from __future__ import annotations

from afformer_core.hands.landmarks.palm_detection import View

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
