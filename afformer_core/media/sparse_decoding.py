# SPDX-License-Identifier: Apache-2.0
"""Decoding of selected frames of a video and the frames to which they refer."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush

import av
import av.container

Needed = Callable[[float | None, float, float | None], bool]
"""Checks whether a frame is needed, given the seconds of the frame shown before it, of itself and
of the one shown after it; None if there is none, or it is not known."""

# Codecs whose decoders were tried; others decode all frames.
_CODECS = ('h264', 'hevc')
# Number of packets around a packet that contain the frames shown before and after its own;
# encodings reorder at most 16.
_AROUND = 40
# Seconds. Times that differ by less belong to one frame.
_SAME = 1e-6


def can_skip(stream: av.VideoStream, frame: av.VideoFrame) -> bool:
    """Check whether frames of a stream can be skipped, given the first one.

    A frame of interlaced video may have two packets.
    """
    return stream.codec_context.name in _CODECS and not frame.interlaced_frame


def decode_needed(
    container: av.container.InputContainer, stream: av.VideoStream, first: float, needed: Needed
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Decode from the container's current position until no more frames are needed.

    The decoded frames are identical, pixel for pixel, to those of a full decoding. A frame is
    skipped only if it is not needed and no other frame refers to it.

    Args:
        container: the open file.
        stream: its video stream (see `can_skip`).
        first: stored time of the first frame in seconds.
        needed: see `Needed`; times are seconds from the first frame.

    Returns:
        each frame with its seconds from the first one, in the order of display; None for a skipped
        frame.

    Raises:
        av.FFmpegError: the file is damaged.
    """
    context = stream.codec_context
    skipped: list[float] = []
    begun = False
    try:
        for packet, time in _judged(container.demux(stream), first, needed):
            context.skip_frame = 'DEFAULT' if time is None else 'NONREF'
            if time is not None:
                heappush(skipped, time)
            for frame in packet.decode():
                if not isinstance(frame, av.VideoFrame) or frame.time is None:
                    continue
                shown = frame.time - first
                while skipped and skipped[0] < shown + _SAME:
                    before = heappop(skipped)
                    # Frames before the key frame at the current position cannot be decoded.
                    if begun and before < shown - _SAME:
                        yield before, None
                begun = True
                yield shown, frame
        while skipped:
            yield heappop(skipped), None
    finally:
        context.skip_frame = 'DEFAULT'


def _judged(
    packets: Iterable[av.Packet[av.VideoStream]], first: float, needed: Needed
) -> Iterator[tuple[av.Packet[av.VideoStream], float | None]]:
    """Yield packets in order, with the seconds of a frame that is not needed, else None."""
    around: list[float] = []
    ahead: deque[tuple[av.Packet[av.VideoStream], float | None]] = deque()
    behind: deque[float] = deque()

    def judge() -> tuple[av.Packet[av.VideoStream], float | None]:
        packet, time = ahead.popleft()
        if time is None:
            return packet, None
        index = bisect_left(around, time)
        before = around[index - 1] if index else None
        after = around[index + 1] if index + 1 < len(around) else None
        behind.append(time)
        if len(behind) > _AROUND:
            around.pop(bisect_left(around, behind.popleft()))
        return packet, None if needed(before, time, after) else time

    for packet in packets:
        time = None
        # A packet that an edit list cuts out produces no frame.
        if packet.pts is not None and not packet.is_discard:
            time = float(packet.pts * packet.time_base) - first
            insort(around, time)
        ahead.append((packet, time))
        if len(ahead) > _AROUND:
            yield judge()
    while ahead:
        yield judge()
