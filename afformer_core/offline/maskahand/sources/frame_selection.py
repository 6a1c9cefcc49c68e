# SPDX-License-Identifier: Apache-2.0
"""Selection of the examined frames of a video, and reading of frames by time."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError, VideoError

Item = TypeVar('Item')

# Share of a step of the grid that may be missing because times are rounded.
_SLACK = 1e-3
# Seconds. Times are rounded to a millionth, and no two frames are this close.
_TOLERANCE = 1e-4
_DECIMALS = 6


def chosen_frames(
    frames: Iterable[tuple[float, Item]], rate: float, start: float, stop: float
) -> Iterator[tuple[float, Item]]:
    """Yield the frames within [start, stop) that are nearest to one of the times k / `rate`.

    Of two equally near frames, the earlier is selected. The selection depends only on a frame and
    its two neighbours, so that parts of a video give the same frames as the whole.

    Args:
        frames: each with its seconds, from the video's first one, or from one before `start`.
        rate: steps of the grid in a second, above 0.
        start, stop: seconds.

    Raises:
        AfformerError: an error of `frames`, after the frames before it.
    """
    for time, item in _nearest_to_grid(_increasing(frames), rate):
        if time >= stop:
            return
        if time >= start:
            yield time, item


def may_be_chosen(rate: float, before: float | None, time: float, after: float | None) -> bool:
    """Check whether `chosen_frames` may yield a frame, given the times of those around it.

    Args:
        rate: steps of the grid in a second, above 0.
        before, time, after: seconds of the frame shown before, of the frame, and of the one after;
            None if it is not known.
    """
    if before is None or after is None:
        return True
    return _steps((time + after) / 2 + _TOLERANCE, rate) > _steps(
        (before + time) / 2 - _TOLERANCE, rate
    )


def may_be_at(
    times: Sequence[float], before: float | None, time: float, after: float | None
) -> bool:
    """Check whether `frames_at` may use a frame for one of increasing times (see above)."""
    next_time = bisect_left(times, time - 2 * _TOLERANCE)
    return next_time < len(times) and times[next_time] <= time + 2 * _TOLERANCE


def window_of(time: float, length: float) -> int:
    """Return the number k of a time's window, from k * `length` s to (k + 1) * `length` s."""
    time = round(time, _DECIMALS)
    number = math.floor(time / length)
    # Rounding may move the quotient across a boundary on which the product lies.
    return number + ((number + 1) * length <= time) - (number * length > time)


def frames_at(
    frames: Iterable[tuple[float, Callable[[], NDArray[np.uint8]]]],
    times: Sequence[float],
    name: str,
) -> list[NDArray[np.uint8]]:
    """Read the frames at some times, in one pass.

    Args:
        frames: each with its seconds, as a function that decodes it to uint8 [H, W, 3] RGB,
            beginning at or before the first of the times.
        times: seconds, in any order, at least one.
        name: name of the video, for the error.

    Returns:
        uint8 [H, W, 3], all of one size, for each time.

    Raises:
        VideoError: there is no frame at one of the times, or they differ in size.
        AfformerError: an error of `frames`, or of decoding.
    """
    expected = sorted(set(times))
    found: dict[float, NDArray[np.uint8]] = {}
    for time, decode in _increasing(frames):
        next_time = expected[len(found)]
        if time > next_time + _TOLERANCE:
            break
        if time >= next_time - _TOLERANCE:
            found[next_time] = decode()
            if len(found) == len(expected):
                break
    if len(found) < len(expected):
        raise VideoError(
            f'{name} has no frame at {expected[len(found)]:.6f} s; expected the video that was '
            'mined. Mine again'
        )
    if len({image.shape for image in found.values()}) > 1:
        sizes = sorted({image.shape[1::-1] for image in found.values()})
        raise VideoError(f'frames of {name} are of {sizes} pixels; expected one size. Mine again')
    return [found[time] for time in times]


def _increasing(frames: Iterable[tuple[float, Item]]) -> Iterator[tuple[float, Item]]:
    """Yield the frames with increasing times."""
    last = -math.inf
    for exact, item in frames:
        time = round(exact, _DECIMALS)
        if time > last + _TOLERANCE:
            yield time, item
            last = time


def _nearest_to_grid(
    frames: Iterable[tuple[float, Item]], rate: float
) -> Iterator[tuple[float, Item]]:
    # A frame is nearest to the times between the midpoints to its neighbours. It is selected if
    # more steps of the grid precede the later midpoint than the earlier one.
    steps = -1
    held: tuple[float, Item] | None = None
    damage: AfformerError | None = None
    try:
        for frame in frames:
            if held is not None:
                before = _steps((held[0] + frame[0]) / 2, rate)
                if before > steps:
                    yield held
                steps = before
            held = frame
    except AfformerError as error:
        damage = error
    if held is not None and _steps(held[0], rate) > steps:
        yield held
    if damage is not None:
        raise damage


def _steps(time: float, rate: float) -> int:
    """Return the number of the last step of the grid that is not after a time."""
    return math.floor(time * rate + _SLACK)
