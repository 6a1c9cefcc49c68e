# SPDX-License-Identifier: Apache-2.0
"""Parts of images in which palms are looked for, in turn."""

from __future__ import annotations

from afformer_core.hands.landmarks.palm_detection import View

# Crops along the longer and the shorter side of an image, and their share of each side.
_CROPS, _SHARE = (3, 2), 0.6


class PalmViews:
    """The views of the frames of a video, in each of which palms are looked for once.

    Hands that are small in the whole image are found in crops. While no hand is followed, every
    second frame is seen as a whole, and one crop of each other frame; while one is followed, every
    second frame is seen as a whole, and no other.
    """

    def __init__(self) -> None:
        self._count = 0

    def next(self, size: tuple[int, int], followed: bool) -> View | None:
        """Return the view of the next frame, None to leave that frame out.

        Args:
            size: (height, width) of the frame.
            followed: whether a hand is followed already.
        """
        turn, crop = self._count % 2, self._count // 2
        self._count += 1
        height, width = size
        if turn == 0:
            return 0, 0, width, height
        if followed:
            return None
        views = crops(size)
        return views[crop % len(views)]


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
