# SPDX-License-Identifier: Apache-2.0
"""The frames of a part of a video, found by their timestamps."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import av
import av.container

from afformer_core.errors import VideoError

Part = tuple[float, float]
Frame = TypeVar('Frame')

# Seconds. Annotations in whole seconds may round the end of a video up.
_END_SLACK = 1.0
# Seconds. A search uses decoding times, which precede display times.
_SEEK_LEAD = 1.0


def is_part(part: Part) -> bool:
    """Check whether (begin, end) in seconds are finite, not negative, and in this order."""
    begin, end = part
    return math.isfinite(end) and 0 <= begin < end


def beyond_end(part: Part, duration: float) -> bool:
    """Check whether a part begins after a video's end, or ends more than a second after it."""
    begin, end = part
    return begin >= duration or end > duration + _END_SLACK


def frames_shown(
    frames: Iterable[tuple[float, Frame]], part: Part, last_duration: float, path: Path
) -> Iterator[tuple[float, Frame]]:
    """Yield the frames that a player shows during a part of a video.

    A frame is shown until the next one, so the first frame may appear before the part begins. The
    part may end up to a second after the video.

    Args:
        frames: each with its seconds, increasing; the first one is shown at the part's begin or
            before.
        part: (begin, end) in seconds; a frame that appears at `end` is left out.
        last_duration: seconds for which the last frame is shown.
        path: path of the video, for the error.

    Raises:
        VideoError: the part begins at or after the video's end, or ends more than a second after
            it. Frames before the last one are yielded before this is known.
    """
    begin, end = part
    shown: tuple[float, Frame] | None = None
    for time, frame in frames:
        if time >= end:
            break
        if shown is not None and time > begin:
            yield shown
        shown = time, frame
    else:
        duration = last_duration + (0.0 if shown is None else shown[0])
        if beyond_end(part, duration):
            raise VideoError(
                f'{path} has no part from {begin:g} s to {end:g} s: it lasts {duration:.2f} s. '
                'Correct the times of the part'
            )
    if shown is not None:
        yield shown


def decode_part(
    decode: Callable[[], Iterator[tuple[float | None, av.VideoFrame]]],
    container: av.container.InputContainer,
    part: Part,
    rate: float,
    path: Path,
    decoded: Callable[[float | None], None] | None = None,
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decode the frames that are shown during a part of a video, and few others.

    Args:
        decode: function that starts at the first frame and yields each with its seconds from the
            first one, None if the file has no times.
        container: the open file.
        part: (begin, end) in seconds from the first frame.
        rate: frames per second, for a file without times.
        path: path of the file, for errors.
        decoded: called with the seconds of each frame that is decoded without `decode`.

    Returns:
        each frame with its seconds from the first frame of the video.

    Raises:
        VideoError: no frame can be decoded, or see `frames_shown`.
    """
    _, first = next(decode())
    timed = None if first.time is None else _sought(container, first.time, part[0], decoded)
    if timed is None:
        timed = (
            (number / rate if time is None else time, frame)
            for number, (time, frame) in enumerate(decode())
        )
    yield from frames_shown(timed, part, 1 / rate, path)


def _sought(
    container: av.container.InputContainer,
    first: float,
    begin: float,
    decoded: Callable[[float | None], None] | None,
) -> Iterator[tuple[float, av.VideoFrame]] | None:
    """Yield timed frames, starting with one that is shown at `begin` or before.

    Return None if the file cannot be searched, for example because it is truncated, or if the
    search ends after `begin`.
    """
    stream = container.streams.video[0]
    if stream.time_base is None:
        return None
    target = first + max(begin - _SEEK_LEAD, 0.0)
    try:
        container.seek(int(target / stream.time_base), stream=stream, backward=True)
    except av.FFmpegError:
        return None
    timed = _timed(container, stream, first, decoded)
    found = next(timed, None)
    return None if found is None or found[0] > begin else itertools.chain((found,), timed)


def _timed(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: float,
    decoded: Callable[[float | None], None] | None,
) -> Iterator[tuple[float, av.VideoFrame]]:
    # A file that was cut off ends after the last frame that can be decoded.
    with contextlib.suppress(av.FFmpegError):
        for frame in container.decode(stream):
            if frame.time is not None:
                if decoded is not None:
                    decoded(frame.time - first)
                yield frame.time - first, frame
