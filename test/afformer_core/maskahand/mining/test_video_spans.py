# SPDX-License-Identifier: Apache-2.0
"""Spans of frames that are examined apart give what the whole part gives."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.hands.frame_stack import motion_windows
from afformer_core.maskahand.mining import video_spans
from afformer_core.maskahand.mining.video_spans import (
    VideoSpan,
    span_of_row,
    span_row,
    spans_of,
)
from afformer_core.media.video import VideoFrame

# Uneven, as those of a phone, with a pause.
TIMES = np.cumsum([0, 0.2, 0.21, 0.19, 0.2, 0.2, 0.6, 0.2, 0.2, 0.2, 0.18, 0.22, 0.2, 0.2, 0.2])


def frames(count: int = len(TIMES)) -> list[VideoFrame]:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (count, 6, 8, 3), np.uint8)
    return [VideoFrame(float(time), image) for time, image in zip(TIMES, images, strict=False)]


@pytest.fixture(autouse=True)
def _small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans of at most five frames."""
    monkeypatch.setattr(video_spans, '_SPAN_BYTES', 5 * 6 * 8 * 3 + 7)


def own(span: VideoSpan) -> list[float]:
    return [frame.time for frame in span.frames[span.first : span.stop]]


@pytest.mark.parametrize(('batch', 'sizes'), [(1, [5, 5, 5]), (4, [4, 4, 4, 3]), (9, [9, 6])])
def test_frames_that_are_examined_alone_are_divided(batch: int, sizes: list[int]) -> None:
    spans = list(spans_of(frames(), 0.0, batch))

    assert [len(span.frames) for span in spans] == sizes
    assert [time for span in spans for time in own(span)] == TIMES.tolist()


@pytest.mark.parametrize('interval', [0.1, 0.2, 0.25])
def test_stacks_in_spans_are_those_of_the_whole_part(interval: float) -> None:
    whole = [[frame.time for frame in stack] for stack in motion_windows(frames(), interval)]

    spans = list(spans_of(frames(), 3 * interval, 4))

    assert len(spans) >= 3
    divided = [
        [frame.time for frame in stack]
        for span in spans
        for stack in list(motion_windows(span.frames, interval))[span.first : span.stop]
    ]
    assert divided == whole
    # It brings no more than it needs.
    assert max(len(span.frames) for span in spans) < len(TIMES) - 1


def test_a_part_without_frames_has_no_span() -> None:
    assert list(spans_of([], 0.5, 3)) == []


def test_a_span_is_the_same_on_another_machine() -> None:
    [first, second, _] = spans_of(frames(), 0.3, 5)

    row = span_row(7, 1, second, b'the end')
    came = span_of_row(row)

    assert (came.first, came.stop) == (second.first, second.stop)
    assert came.first > 0
    for frame, sent in zip(came.frames, second.frames, strict=True):
        assert frame.time == sent.time
        assert np.array_equal(frame.image, sent.image)
    assert row.drop_columns(['pixels', 'times']).to_pylist() == [
        {
            'part': 7, 'span': 1, 'first': second.first, 'stop': second.stop, 'width': 8,
            'height': 6, 'end': b'the end',
        }
    ]  # fmt: skip
    assert span_of_row(span_row(7, 2, None, b'')) == VideoSpan((), 0, 0)
    assert own(first) != own(second)
