# SPDX-License-Identifier: Apache-2.0
"""Windows of long videos that show an interaction (paper, section 4.2)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection


def clip_windows(count: int, length: int, stride: int) -> list[tuple[int, int]]:
    """Divide the frames of a video into windows, the last of which ends with it.

    Args:
        count: number of frames of the video.
        length: number of frames of a window, at least 2.
        stride: frames from the beginning of a window to that of the next, at least 1.

    Returns:
        (first, last) frame of each window, in order. A video that is shorter than a window is one
        window; a single frame gives none.

    Raises:
        ValueError: length or stride is too small.
    """
    if length < 2 or stride < 1:
        raise ValueError(
            f'windows have {length} frames at a stride of {stride}; expected at least 2 frames '
            'and a stride of at least 1'
        )
    if count < 2:
        return []
    if count <= length:
        return [(0, count - 1)]
    firsts = [*range(0, count - length, stride), count - length]
    return [(first, first + length - 1) for first in firsts]


def windows_with(
    count: int, numbers: Collection[int], length: int, stride: int
) -> tuple[tuple[int, int], ...]:
    """Select the windows of `clip_windows` with an interaction in at least one frame.

    Args:
        count, length, stride: see `clip_windows`.
        numbers: numbers of the frames with an interaction, in any order.
    """
    ordered = sorted(numbers)
    return tuple(
        (first, last)
        for first, last in clip_windows(count, length, stride)
        if bisect_left(ordered, first) < bisect_right(ordered, last)
    )
