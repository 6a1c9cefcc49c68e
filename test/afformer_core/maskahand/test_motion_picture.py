# SPDX-License-Identifier: Apache-2.0
"""Motion pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from afformer_core.data.video import VideoFrame
from afformer_core.maskahand.motion_picture import motion_picture, motion_pictures


def grey(value: int) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


def video(*times: float) -> list[VideoFrame]:
    """Frames that are as grey as their numbers."""
    return [VideoFrame(time, grey(number)) for number, time in enumerate(times)]


def numbers(frames: list[VideoFrame], interval: float) -> list[list[int]]:
    """The numbers of the frames that each picture is made of."""
    return [picture[:, 0, 0, 0].tolist() for picture in motion_pictures(frames, interval)]


def test_three_frames_in_their_colours() -> None:
    image = grey(0)
    image[..., 0] = 255
    picture = motion_picture(grey(10), image, grey(30))

    assert picture.shape == (3, 4, 6, 3)
    assert picture[:, 0, 0].tolist() == [[10, 10, 10], [255, 0, 0], [30, 30, 30]]


def test_frames_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match='one size is wanted'):
        motion_picture(grey(0), np.zeros((4, 5, 3), np.uint8), grey(0))


def test_the_nearest_frames_that_are_far_enough() -> None:
    assert numbers(video(0.0, 0.1, 0.2, 0.3, 0.4, 0.5), 0.2) == [
        *([0, 0, 2], [0, 1, 3], [0, 2, 4], [1, 3, 5], [2, 4, 5], [3, 5, 5]),
    ]


def test_a_rate_that_does_not_fit() -> None:
    # The frames are 1/30 s apart; 8 of them are the first that are a quarter of a second apart.
    found = numbers(video(*(number / 30 for number in range(20))), 0.25)

    assert found[10] == [2, 10, 18]


def test_frames_that_are_farther_apart_than_the_interval() -> None:
    assert numbers(video(0.0, 1.0, 2.0), 0.25) == [[0, 0, 1], [0, 1, 2], [1, 2, 2]]


def test_one_frame_does_not_move() -> None:
    assert numbers(video(0.0), 0.25) == [[0, 0, 0]]


def test_no_frame() -> None:
    assert numbers([], 0.25) == []


def test_it_reads_ahead_by_the_interval_alone() -> None:
    read: list[float] = []

    def watched() -> Iterator[VideoFrame]:
        for number in range(100):
            read.append(number)
            yield VideoFrame(number / 10, grey(number))

    pictures = motion_pictures(watched(), 0.2)
    for _ in range(10):
        next(pictures)

    assert len(read) == 12


def test_an_interval_that_is_none() -> None:
    with pytest.raises(ValueError, match='interval is 0; it must be above 0 seconds'):
        next(motion_pictures(video(0.0), 0))
