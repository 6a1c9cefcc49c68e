# SPDX-License-Identifier: Apache-2.0
"""Stacks of frames: a frame of a video between some before and some after it.

A single image rarely shows whether a hand touches an object or is about to. However, a hand
approaches the operated object, rests on it or moves with it, and leaves, whereas it passes by
other objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from afformer_core.hands.hand_annotations import NEIGHBOURS
from afformer_core.media.video import VideoFrame

# Number of frames of a stack, and the index of the frame itself.
FRAMES = len(NEIGHBOURS) + 1
NOW = sum(step < 0 for step in NEIGHBOURS)
_STEPS = (*NEIGHBOURS[:NOW], 0, *NEIGHBOURS[NOW:])
# Seconds, since times of frames are rounded.
_TOLERANCE = 1e-3


def motion_windows(
    frames: Iterable[VideoFrame], interval: float
) -> Iterator[tuple[VideoFrame, ...]]:
    """Yield the stack of each frame of a video, in order.

    It reads ahead by three intervals, and keeps the frames of six.

    Args:
        frames: frames in the order of their times.
        interval: seconds, above 0. The other frames of a stack are the nearest ones that are at
            least one, two and three intervals away, or the video's first or last one where there
            are none.

    Returns:
        for each frame the frames of its stack, `FRAMES` of them, in the order of time.
    """
    if not interval > 0:
        raise ValueError(f'interval is {interval}; expected seconds above 0')
    kept: list[VideoFrame] = []
    position = 0
    ahead = _away(NEIGHBOURS[-1], interval)
    for frame in chain(frames, [None]):
        if frame is not None:
            kept.append(frame)
        while position < len(kept) and (
            frame is None or kept[-1].time - kept[position].time >= ahead
        ):
            # No later stack needs a frame before the first that is far enough from this one.
            while position > 0 and kept[position].time - kept[1].time >= ahead:
                del kept[0]
                position -= 1
            yield tuple(kept[_index(kept, position, step, interval)] for step in _STEPS)
            position += 1


def _index(frames: Sequence[VideoFrame], position: int, step: int, interval: float) -> int:
    """Find the nearest frame at least so many intervals from another, or the outermost one."""
    if step == 0:
        return position
    time, away = frames[position].time, _away(step, interval)
    if step < 0:
        found = (i for i in range(position, -1, -1) if time - frames[i].time >= away)
        return next(found, 0)
    found = (i for i in range(position, len(frames)) if frames[i].time - time >= away)
    return next(found, len(frames) - 1)


def _away(step: int, interval: float) -> float:
    """Compute the least distance from a frame to a neighbour in seconds."""
    return abs(step) * interval - _TOLERANCE
