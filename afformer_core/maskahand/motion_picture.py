# SPDX-License-Identifier: Apache-2.0
"""Motion pictures: a frame of a video between one before and one after it.

Whether a hand touches something or is about to hardly shows in a still picture. But a hand rests
on what it operates, or moves with it, and passes by everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.video import VideoFrame

_Picture = NDArray[np.uint8]
# Times of frames are rounded.
_TOLERANCE = 1e-3


def motion_picture(before: _Picture, image: _Picture, after: _Picture) -> _Picture:
    """Three frames as one.

    Args:
        before, image, after: uint8 RGB [H, W, 3].

    Returns:
        uint8 RGB [3, H, W, 3].

    Raises:
        ValueError: they are of different sizes.
    """
    if not before.shape == image.shape == after.shape:
        raise ValueError(
            f'frames of a video have the shapes {before.shape}, {image.shape} and {after.shape}; '
            'one size is wanted'
        )
    return np.stack((before, image, after))


def motion_pictures(frames: Iterable[VideoFrame], interval: float) -> Iterator[_Picture]:
    """The motion picture of each frame of a video, in order.

    It reads ahead by the interval, and keeps the frames of twice the interval.

    Args:
        frames: in the order of their times.
        interval: seconds, above 0. The frames before and after each are the nearest ones that
            are so far away, and the video's first and last where there are none.
    """
    if not interval > 0:
        raise ValueError(f'interval is {interval}; it must be above 0 seconds')
    window = _Window(interval - _TOLERANCE, deque(), 0)
    for frame in frames:
        window.frames.append(frame)
        while window.sees_far_enough:
            yield window.next_picture()
    while window.position < len(window.frames):
        yield window.next_picture()


@dataclass
class _Window:
    """The frames of a video around one of them.

    Attributes:
        interval: see `motion_pictures`.
        frames: that are kept.
        position: among them, of the one whose picture is next.
    """

    interval: float
    frames: deque[VideoFrame]
    position: int

    @property
    def sees_far_enough(self) -> bool:
        """Whether the frame after the next one's is there."""
        if self.position >= len(self.frames):
            return False
        return self.frames[-1].time - self.frames[self.position].time >= self.interval

    def next_picture(self) -> _Picture:
        """The next frame's; forgets what no later one needs."""
        frame = self.frames[self.position]
        while (
            len(self.frames) > 1
            and self.position > 0
            and frame.time - self.frames[1].time >= self.interval
        ):
            self.frames.popleft()
            self.position -= 1
        after = next(
            (each for each in self.frames if each.time - frame.time >= self.interval),
            self.frames[-1],
        )
        self.position += 1
        return motion_picture(self.frames[0].image, frame.image, after.image)
