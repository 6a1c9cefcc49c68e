# SPDX-License-Identifier: Apache-2.0
"""Stacks of frames: one of a video between some before and some after it.

Whether a hand touches something or is about to hardly shows in a still picture. But a hand comes
to what it operates, rests on it or moves with it, and goes; it passes by everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.hand_annotations import NEIGHBOURS

_Picture = NDArray[np.uint8]
# Frames of a motion picture, and which of them is the picture itself.
FRAMES = len(NEIGHBOURS) + 1
NOW = sum(step < 0 for step in NEIGHBOURS)
# Times of frames are rounded.
_TOLERANCE = 1e-3


class TimedFrame(Protocol):
    """A frame of a video, wherever its colours are: `time` in seconds from the first one."""

    @property
    def time(self) -> float:
        """Seconds from the video's first frame."""


_Frame = TypeVar('_Frame', bound=TimedFrame)


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
    require_one_size([frame.shape for frame in frames])
    return np.stack(frames)


def require_one_size(shapes: Iterable[tuple[int, ...]]) -> None:
    """Check the shapes of the frames of a motion picture.

    Raises:
        ValueError: they differ.
    """
    different = sorted(set(shapes))
    if len(different) > 1:
        raise ValueError(
            f'frames of a video have the shapes {" and ".join(map(str, different))}; one size is '
            'wanted'
        )


def motion_windows(frames: Iterable[_Frame], interval: float) -> Iterator[tuple[_Frame, ...]]:
    """The frames that the motion picture of each frame of a video is made of, in order.

    It reads ahead by three intervals, and keeps the frames of six.

    Args:
        frames: in the order of their times.
        interval: seconds, above 0. The frames around each are the nearest ones that are one, two
            and three intervals away, and the video's first and last where there are none.

    Returns:
        of each frame the frames themselves, as many as `FRAMES`, in the order of time; those of
        neighbours have most of them in common.
    """
    if not interval > 0:
        raise ValueError(f'interval is {interval}; it must be above 0 seconds')
    window: _Window[_Frame] = _Window(interval, deque(), 0)
    for frame in frames:
        window.frames.append(frame)
        while window.sees_far_enough:
            yield window.next_frames()
    while window.position < len(window.frames):
        yield window.next_frames()


@dataclass
class _Window(Generic[_Frame]):
    """The frames of a video around one of them.

    Attributes:
        interval: see `motion_windows`.
        frames: that are kept.
        position: among them, of the one whose window is next.
    """

    interval: float
    frames: deque[_Frame]
    position: int

    @property
    def sees_far_enough(self) -> bool:
        """Whether the last frame that the next window needs is there."""
        if self.position >= len(self.frames):
            return False
        ahead = self.frames[-1].time - self.frames[self.position].time
        return ahead >= self._away(NEIGHBOURS[-1])

    def next_frames(self) -> tuple[_Frame, ...]:
        """Those around the next frame and itself; forgets what no later one needs."""
        frame = self.frames[self.position]
        while self.position > 0 and frame.time - self.frames[1].time >= self._away(NEIGHBOURS[0]):
            self.frames.popleft()
            self.position -= 1
        around = [self._neighbour(frame.time, step) for step in NEIGHBOURS]
        self.position += 1
        return (*around[:NOW], frame, *around[NOW:])

    def _neighbour(self, time: float, step: int) -> _Frame:
        """The nearest frame that is so many intervals before or after a time, or the outermost."""
        away = self._away(step)
        if step < 0:
            found = (each for each in reversed(self.frames) if time - each.time >= away)
            return next(found, self.frames[0])
        found = (each for each in self.frames if each.time - time >= away)
        return next(found, self.frames[-1])

    def _away(self, step: int) -> float:
        """Seconds from a frame to a neighbour, at least."""
        return abs(step) * self.interval - _TOLERANCE
