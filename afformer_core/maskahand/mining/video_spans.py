# SPDX-License-Identifier: Apache-2.0
"""Spans of the frames of a part, which a process decodes and another one examines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from afformer_core.media.video import VideoFrame

# Bytes of the frames of a span.
_SPAN_BYTES = 32 * 1024**2

SPAN_SCHEMA = pa.schema(
    [
        ('part', pa.int64()),
        ('span', pa.int32()),
        # Of the frames, those that belong to the span; the others are around it.
        ('first', pa.int32()),
        ('stop', pa.int32()),
        ('times', pa.list_(pa.float64())),
        ('width', pa.int32()),
        ('height', pa.int32()),
        ('pixels', pa.large_binary()),
        # Of the last span of a part: what was read, pickled.
        ('end', pa.binary()),
    ]
)
"""A span of a part, as a row."""


@dataclass(frozen=True)
class VideoSpan:
    """Successive frames of a part, with the frames around them on which their hands depend.

    Attributes:
        frames: the frames, in order.
        first, stop: numbers of the first frame that belongs to the span, and of that after the
            last.
    """

    frames: tuple[VideoFrame, ...]
    first: int
    stop: int


def spans_of(frames: Iterable[VideoFrame], context: float, batch: int) -> Iterator[VideoSpan]:
    """Divide the frames of a part into spans of a size that moves well between machines.

    Args:
        frames: frames of one size, in order.
        context: seconds before and after a frame on which its hands depend.
        batch: number of frames that are examined together; a span has a multiple of it.
    """
    held: list[VideoFrame] = []
    first = 0
    for frame in frames:
        held.append(frame)
        stop = first + _frames_of_a_span(frame, batch)
        if stop > len(held) or frame.time - held[stop - 1].time < context:
            continue
        yield VideoSpan(tuple(held), first, stop)
        kept = stop
        while kept > 0 and context and held[stop].time - held[kept].time < context:
            kept -= 1
        held, first = held[kept:], stop - kept
    if first < len(held):
        yield VideoSpan(tuple(held), first, len(held))


def span_row(part: int, number: int, span: VideoSpan | None, end: bytes) -> pa.Table:
    """Convert a span to a row of `SPAN_SCHEMA`; its pixels are copied once."""
    frames = () if span is None else span.frames
    height, width = frames[0].image.shape[:2] if frames else (0, 0)
    pixels = np.stack([frame.image for frame in frames]) if frames else np.zeros(0, np.uint8)
    buffers = [None, pa.py_buffer(np.array([0, pixels.nbytes], np.int64)), pa.py_buffer(pixels)]
    columns = {
        'part': [part],
        'span': [number],
        'first': [0 if span is None else span.first],
        'stop': [0 if span is None else span.stop],
        'times': [[frame.time for frame in frames]],
        'width': [width],
        'height': [height],
        'pixels': pa.Array.from_buffers(pa.large_binary(), 1, buffers),
        'end': [end],
    }
    return pa.table(columns, SPAN_SCHEMA)


def span_of_row(row: pa.Table) -> VideoSpan:
    """Convert a row of `SPAN_SCHEMA` to the span, whose pixels must not be changed."""
    facts: dict[str, Any] = row.drop_columns(['pixels']).to_pylist()[0]
    times = facts['times']
    pixels = np.frombuffer(row['pixels'][0].as_buffer(), np.uint8)
    images = pixels.reshape(len(times), facts['height'], facts['width'], 3) if times else ()
    frames = map(VideoFrame, times, images)
    return VideoSpan(tuple(frames), facts['first'], facts['stop'])


def _frames_of_a_span(frame: VideoFrame, batch: int) -> int:
    return batch * max(1, _SPAN_BYTES // (frame.image.nbytes * batch))
