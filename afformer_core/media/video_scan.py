# SPDX-License-Identifier: Apache-2.0
"""Frames of a video file from any time on, with errors at damage and at an early end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import av.container

from afformer_core.errors import VideoError

# Seconds. Files are searched by times of decoding, which precede those of display.
_SEEK_LEAD = 1.0
# Seconds. Times that differ by less are of one frame.
_SAME = 1e-6
# Seconds. The last frame may be shown for some time.
_END_SLACK = 2.0


def scan_frames(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    start: float,
    rate: float,
    duration: float | None,
    path: Path,
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield frames from one before `start` on, where there is one; else from the first one on.

    Args:
        container: the open file.
        stream: its video stream.
        start: seconds from the first frame.
        rate: frames per second, for a file without times.
        duration: duration in seconds, as stored in the file; None where it is not.
        path: path of the file, for errors.

    Returns:
        each frame with its seconds from the first frame of the video.

    Raises:
        VideoError: no frame can be decoded, or no more of them, or the file ends long before its
            stored duration.
    """
    first = _first_time(container, stream, path)
    timed = _told(_from_first(container, stream, first, rate), path)
    if first is not None and start > _SEEK_LEAD:
        sought = _told(_sought(container, stream, first, start - _SEEK_LEAD), path)
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


def _first_time(
    container: av.container.InputContainer, stream: av.VideoStream, path: Path
) -> float | None:
    """Return the stored time of the first frame in seconds; None where there is none."""
    container.seek(0, stream=stream, backward=True)
    try:
        for frame in container.decode(stream):
            return frame.time
    except av.FFmpegError as error:
        raise VideoError(f'no frame of {path} can be decoded: {error}') from error
    raise VideoError(f'{path} holds no frame: it is truncated before its first one')


def _from_first(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: float | None,
    rate: float,
) -> Iterator[tuple[float, av.VideoFrame]]:
    container.seek(0, stream=stream, backward=True)
    for number, frame in enumerate(container.decode(stream)):
        if first is None:
            yield number / rate, frame
        elif frame.time is not None:
            yield frame.time - first, frame


def _sought(
    container: av.container.InputContainer, stream: av.VideoStream, first: float, time: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield frames from a key frame on that precedes `time`, if the search succeeds."""
    assert stream.time_base is not None
    container.seek(int((first + time) / stream.time_base), stream=stream, backward=True)
    for frame in container.decode(stream):
        if frame.time is not None:
            yield frame.time - first, frame


def _told(
    timed: Iterator[tuple[float, av.VideoFrame]], path: Path
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield the same frames; convert an error of FFmpeg to a `VideoError`."""
    time = 0.0
    try:
        for time, frame in timed:
            yield time, frame
    except av.FFmpegError as error:
        raise VideoError(f'{path} is damaged after {time:.2f} s: {error}') from error
