# SPDX-License-Identifier: Apache-2.0
"""Frames of a video: even choices, orientation, parts, and a scan that raises errors at damage."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import av
import av.container
import numpy as np

from afformer_core.errors import VideoError
from afformer_core.media.sparse_decoding import Needed, can_skip, decode_needed

Part = tuple[float, float]
Frame = TypeVar('Frame')

# Seconds. Annotations in whole seconds may round the end of a video up.
_PART_SLACK = 1.0
# Seconds. A search uses decoding times, which precede display times.
_SEEK_LEAD = 1.0
# Seconds. Times that differ by less belong to one frame.
_SAME = 1e-6
# Seconds for which the last frame may be shown.
_END_SLACK = 2.0


def uniform_indices(count: int, maximum: int) -> list[int]:
    """Return evenly spaced indices of at most `maximum` of `count` frames, with first and last.

    Args:
        count: number of frames, at least 1.
        maximum: largest number of indices, at least 1.

    Returns:
        all indices where `count <= maximum`; else exactly `maximum`, strictly increasing (the
        middle one where `maximum` is 1).

    Raises:
        ValueError: `count` or `maximum` is below 1.
    """
    if count < 1 or maximum < 1:
        raise ValueError(
            f'count is {count} frames and maximum is {maximum}; expected at least 1 of both'
        )
    if count <= maximum:
        return list(range(count))
    if maximum == 1:
        return [count // 2]
    return [(2 * i * (count - 1) + maximum - 1) // (2 * (maximum - 1)) for i in range(maximum)]


def shown_seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Return the stored duration of a video in seconds; None if the file has none."""
    known = []
    if container.duration is not None:
        known.append(container.duration / av.time_base)
    # Sound may last longer than the video, and an edit list shows less than the file contains.
    if stream.duration is not None and stream.time_base is not None:
        known.append(float(stream.duration * stream.time_base))
    return min(known, default=None)


def upright(frame: av.VideoFrame) -> np.ndarray:
    """Convert a decoded frame to an image as players show it: uint8 [H, W, 3] RGB.

    Phones store the orientation of the camera apart from the pixels.
    """
    image = frame.to_ndarray(format='rgb24')
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def scan_frames(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    start: float,
    rate: float,
    duration: float | None,
    path: Path,
    needed: Needed | None = None,
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Yield frames, starting with one before `start` if possible, else with the first one.

    Args:
        container: the open file.
        stream: its video stream.
        start: seconds from the first frame.
        rate: frames per second, for a file without times.
        duration: duration in seconds, as stored in the file; None if the file has none.
        path: path of the file, for errors.
        needed: selects the needed frames (see `decode_needed`); None: all.

    Returns:
        each frame with its seconds from the first frame of the video; None for a skipped frame.

    Raises:
        VideoError: no frame, or no further frame, can be decoded, or the file ends long before its
            stored duration.
    """
    opening = _first_frame(container, stream, path)
    first = opening.time
    if not can_skip(stream, opening):
        needed = None
    timed = _told(_from_first(container, stream, first, rate, needed), path)
    if first is not None and start > _SEEK_LEAD:
        sought = _told(_sought(container, stream, first, start - _SEEK_LEAD, needed), path)
        head = next(sought, None)
        if head is not None and head[0] < start - _SAME:
            timed = itertools.chain((head,), sought)
    time = 0.0
    for time, frame in timed:
        yield time, frame
    if duration is not None and time < duration - _END_SLACK:
        raise VideoError(
            f'{path} is truncated: it ends at {time:.2f} s; expected {duration:.2f} s, its stored '
            'duration'
        )


def _first_frame(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path
) -> av.VideoFrame:
    container.seek(0, stream=stream, backward=True)
    try:
        for frame in container.decode(stream):
            return frame
    except av.FFmpegError as error:
        raise VideoError(f'no frame of {path} can be decoded: {error}') from error
    raise VideoError(f'{path} contains no frame: it is truncated before its first one')


def _from_first(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: float | None,
    rate: float,
    needed: Needed | None,
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    container.seek(0, stream=stream, backward=True)
    if needed is not None and first is not None:
        yield from decode_needed(container, stream, first, needed)
        return
    for number, frame in enumerate(container.decode(stream)):
        if first is None:
            yield number / rate, frame
        elif frame.time is not None:
            yield frame.time - first, frame


def _sought(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: float,
    time: float,
    needed: Needed | None = None,
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Yield frames, starting with a key frame that precedes `time`, if the search succeeds."""
    assert stream.time_base is not None
    container.seek(int((first + time) / stream.time_base), stream=stream, backward=True)
    if needed is not None:
        yield from decode_needed(container, stream, first, needed)
        return
    for frame in container.decode(stream):
        if frame.time is not None:
            yield frame.time - first, frame


def _told(
    timed: Iterator[tuple[float, av.VideoFrame | None]], path: Path
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Yield the same frames; convert an error of FFmpeg to a `VideoError`."""
    time = 0.0
    try:
        for time, frame in timed:
            yield time, frame
    except av.FFmpegError as error:
        raise VideoError(f'{path} is damaged after {time:.2f} s: {error}') from error


def is_part(part: Part) -> bool:
    """Check whether (begin, end) in seconds are finite, not negative, and in this order."""
    begin, end = part
    return math.isfinite(end) and 0 <= begin < end


def beyond_end(part: Part, duration: float) -> bool:
    """Check whether a part begins after a video's end, or ends more than a second after it."""
    begin, end = part
    return begin >= duration or end > duration + _PART_SLACK


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
    timed = None if first.time is None else _searched(container, first.time, part[0], decoded)
    if timed is None:
        timed = (
            (number / rate if time is None else time, frame)
            for number, (time, frame) in enumerate(decode())
        )
    yield from frames_shown(timed, part, 1 / rate, path)


def _searched(
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
    timed = _until_cut(_sought(container, stream, first, max(begin - _SEEK_LEAD, 0.0)), decoded)
    found = next(timed, None)
    return None if found is None or found[0] > begin else itertools.chain((found,), timed)


def _until_cut(
    timed: Iterator[tuple[float, av.VideoFrame | None]],
    decoded: Callable[[float | None], None] | None,
) -> Iterator[tuple[float, av.VideoFrame]]:
    # A file that was cut off ends after the last frame that can be decoded.
    with contextlib.suppress(av.FFmpegError):
        for time, frame in timed:
            assert frame is not None
            if decoded is not None:
                decoded(time)
            yield time, frame
