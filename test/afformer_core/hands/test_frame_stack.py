# SPDX-License-Identifier: Apache-2.0
"""Motion images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from afformer_core.hands.frame_stack import motion_windows
from afformer_core.media.video import VideoFrame


def grey(value: int) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


def video(*times: float) -> list[VideoFrame]:
    """Frames that are as grey as their numbers."""
    return [VideoFrame(time, grey(number)) for number, time in enumerate(times)]


def numbers(frames: list[VideoFrame], interval: float) -> list[list[int]]:
    """The numbers of the frames that each image is made of."""
    windows = motion_windows(frames, interval)
    return [[int(frame.image[0, 0, 0]) for frame in window] for window in windows]


def test_the_nearest_frames_that_are_far_enough() -> None:
    found = numbers(video(*(number / 10 for number in range(14))), 0.2)

    assert len(found) == 14
    assert found[6] == [0, 2, 4, 6, 8, 10, 12]
    assert found[7] == [1, 3, 5, 7, 9, 11, 13]


def test_beyond_its_ends_a_video_rests() -> None:
    found = numbers(video(*(number / 10 for number in range(14))), 0.2)

    assert found[0] == [0, 0, 0, 0, 2, 4, 6]
    assert found[3] == [0, 0, 1, 3, 5, 7, 9]
    assert found[10] == [4, 6, 8, 10, 12, 13, 13]
    assert found[13] == [7, 9, 11, 13, 13, 13, 13]


def test_a_rate_that_does_not_fit() -> None:
    # The frames are 1/30 s apart; 8 of them are the first that are a quarter of a second apart.
    found = numbers(video(*(number / 30 for number in range(60))), 0.25)

    assert found[30] == [7, 15, 22, 30, 38, 45, 53]


def test_frames_that_are_farther_apart_than_the_interval() -> None:
    assert numbers([], 0.25) == []
    assert numbers(video(0.0), 0.25) == [[0] * 7]
    assert numbers(video(0.0, 1.0, 2.0), 0.25) == [
        *([0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2, 2]),
    ]


def test_it_reads_no_farther_ahead_than_it_sees() -> None:
    read: list[float] = []

    def watched() -> Iterator[VideoFrame]:
        for number in range(100):
            read.append(number)
            yield VideoFrame(number / 10, grey(number))

    windows = motion_windows(watched(), 0.2)
    for _ in range(10):
        next(windows)

    # The tenth sees what is 0.6 seconds later.
    assert len(read) == 16


def test_an_interval_that_is_none() -> None:
    with pytest.raises(ValueError, match='interval is 0; expected seconds above 0'):
        next(motion_windows(video(0.0), 0))
