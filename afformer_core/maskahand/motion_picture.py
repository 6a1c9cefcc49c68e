# SPDX-License-Identifier: Apache-2.0
"""Motion pictures: a frame of a video between some before and some after it.

Whether a hand touches something or is about to hardly shows in a still picture. But a hand comes
to what it operates, rests on it or moves with it, and goes; it passes by everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.hand_annotations import NEIGHBOURS
from afformer_core.data.video import VideoFrame

_Picture = NDArray[np.uint8]
# Frames of a motion picture, and which of them is the picture itself.
FRAMES = len(NEIGHBOURS) + 1
NOW = sum(step < 0 for step in NEIGHBOURS)
# Times of frames are rounded.
_TOLERANCE = 1e-3


def motion_picture(image: _Picture, neighbours: Sequence[_Picture]) -> _Picture:
    """A frame and those around it as one.

    Args:
        image: uint8 RGB [H, W, 3].
        neighbours: likewise, of its video, at `NEIGHBOURS`.

    Returns:
        uint8 RGB [FRAMES, H, W, 3], in the order of time.

    Raises:
        ValueError: they are of different sizes.
    """
    frames = [*neighbours[:NOW], image, *neighbours[NOW:]]
    shapes = sorted({frame.shape for frame in frames})
    if len(shapes) > 1:
        raise ValueError(
            f'frames of a video have the shapes {" and ".join(map(str, shapes))}; one size is '
            'wanted'
        )
    return np.stack(frames)


def motion_pictures(frames: Iterable[VideoFrame], interval: float) -> Iterator[_Picture]:
    """The motion picture of each frame of a video, in order.

    It reads ahead by three intervals, and keeps the frames of six.

    Args:
        frames: in the order of their times.
        interval: seconds, above 0. The frames around each are the nearest ones that are one, two
            and three intervals away, and the video's first and last where there are none.
    """
    if not interval > 0:
        raise ValueError(f'interval is {interval}; it must be above 0 seconds')
    window = _Window(interval, deque(), 0)
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
        """Whether the last frame that the next picture needs is there."""
        if self.position >= len(self.frames):
            return False
        ahead = self.frames[-1].time - self.frames[self.position].time
        return ahead >= self._away(NEIGHBOURS[-1])

    def next_picture(self) -> _Picture:
        """The next frame's; forgets what no later one needs."""
        frame = self.frames[self.position]
        while self.position > 0 and frame.time - self.frames[1].time >= self._away(NEIGHBOURS[0]):
            self.frames.popleft()
            self.position -= 1
        around = [self._neighbour(frame.time, step) for step in NEIGHBOURS]
        self.position += 1
        return motion_picture(frame.image, around)

    def _neighbour(self, time: float, step: int) -> _Picture:
        """The nearest frame that is so many intervals before or after a time, or the outermost."""
        away = self._away(step)
        if step < 0:
            found = (each for each in reversed(self.frames) if time - each.time >= away)
            return next(found, self.frames[0]).image
        found = (each for each in self.frames if each.time - time >= away)
        return next(found, self.frames[-1]).image

    def _away(self, step: int) -> float:
        """Seconds from a picture to a neighbour, at least."""
        return abs(step) * self.interval - _TOLERANCE
