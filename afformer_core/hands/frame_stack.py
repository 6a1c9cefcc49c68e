# SPDX-License-Identifier: Apache-2.0
"""Stacks of frames: a frame of a video between some before and some after it.

A single image rarely shows whether a hand touches an object or is about to. However, a hand
approaches the operated object, rests on it or moves with it, and leaves, whereas it passes by
other objects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.hand_annotations import NEIGHBOURS

_RgbImage = NDArray[np.uint8]
# Number of frames of a stack, and the index of the frame itself.
FRAMES = len(NEIGHBOURS) + 1
NOW = sum(step < 0 for step in NEIGHBOURS)
# Seconds, since times of frames are rounded.
_TOLERANCE = 1e-3


class TimedFrame(Protocol):
    """A frame of a video in any storage, with its time in seconds from the first one."""

    @property
    def time(self) -> float:
        """Seconds from the video's first frame."""


_Frame = TypeVar('_Frame', bound=TimedFrame)


def frame_stack(image: _RgbImage, neighbours: Sequence[_RgbImage]) -> _RgbImage:
    """Stack a frame and the frames around it.

    Args:
        image: uint8 RGB [H, W, 3].
        neighbours: frames of its video at `NEIGHBOURS`, likewise.

    Returns:
        uint8 RGB [FRAMES, H, W, 3], in the order of time.

    Raises:
        ValueError: they have different sizes.
    """
    frames = [*neighbours[:NOW], image, *neighbours[NOW:]]
    require_one_size([frame.shape for frame in frames])
    return np.stack(frames)


def require_one_size(shapes: Iterable[tuple[int, ...]]) -> None:
    """Check that the frames of a stack have one shape.

    Raises:
        ValueError: they differ.
    """
    different = sorted(set(shapes))
    if len(different) > 1:
        raise ValueError(
            f'the shapes of frames are {" and ".join(map(str, different))}; expected one size '
            'in a video'
        )


def motion_windows(frames: Iterable[_Frame], interval: float) -> Iterator[tuple[_Frame, ...]]:
    """Yield the stack of each frame of a video, in order.

    It reads ahead by three intervals, and keeps the frames of six.

    Args:
        frames: frames in the order of their times.
        interval: seconds, above 0. The other frames of a stack are the nearest ones that are at
            least one, two and three intervals away, or the video's first or last one where there
            are none.

    Returns:
        for each frame the frames of its stack, `FRAMES` of them, in the order of time;
        neighbouring stacks share most of them.
    """
    if not interval > 0:
        raise ValueError(f'interval is {interval}; expected seconds above 0')
    window: _Window[_Frame] = _Window(interval, deque(), 0)
    for frame in frames:
        window.frames.append(frame)
        while window.sees_far_enough:
            yield window.next_frames()
    while window.position < len(window.frames):
        yield window.next_frames()


@dataclass
class _Window(Generic[_Frame]):
    """The neighbouring frames of a frame of a video.

    Attributes:
        interval: see `motion_windows`.
        frames: frames that are kept.
        position: index of the frame whose stack is next.
    """

    interval: float
    frames: deque[_Frame]
    position: int

    @property
    def sees_far_enough(self) -> bool:
        """Whether the last frame of the next stack has arrived."""
        if self.position >= len(self.frames):
            return False
        ahead = self.frames[-1].time - self.frames[self.position].time
        return ahead >= self._away(NEIGHBOURS[-1])

    def next_frames(self) -> tuple[_Frame, ...]:
        """Return the stack of the next frame, and drop frames that no later stack needs."""
        frame = self.frames[self.position]
        while self.position > 0 and frame.time - self.frames[1].time >= self._away(NEIGHBOURS[0]):
            self.frames.popleft()
            self.position -= 1
        around = [self._neighbour(frame.time, step) for step in NEIGHBOURS]
        self.position += 1
        return (*around[:NOW], frame, *around[NOW:])

    def _neighbour(self, time: float, step: int) -> _Frame:
        """Find the nearest frame at least so many intervals from a time, or the outermost."""
        away = self._away(step)
        if step < 0:
            found = (frame for frame in reversed(self.frames) if time - frame.time >= away)
            return next(found, self.frames[0])
        found = (frame for frame in self.frames if frame.time - time >= away)
        return next(found, self.frames[-1])

    def _away(self, step: int) -> float:
        """Compute the least distance from a frame to a neighbour in seconds."""
        return abs(step) * self.interval - _TOLERANCE
