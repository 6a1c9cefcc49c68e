# SPDX-License-Identifier: Apache-2.0
"""Which frames are looked at, of videos and of folders of numbered images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import VideoError
from afformer_core.offline.maskahand.sources.frame_selection import chosen_frames, frames_at
from afformer_core.offline.maskahand.sources.numbered_frames import NumberedFrames


def timed(*times: float) -> list[tuple[float, str]]:
    return [(time, f'{time}') for time in times]


def chosen(times: list[float], rate: float, start: float = 0.0, stop: float = math.inf):
    return [time for time, _ in chosen_frames(timed(*times), rate, start, stop)]


@pytest.mark.parametrize(
    ('times', 'rate', 'expected'),
    [
        ([i / 8 for i in range(9)], 4.0, [0, 0.25, 0.5, 0.75, 1.0]),
        # 0.2 lies between 0.125 and 0.25, and nearer to the latter; 0.4 nearer to 0.375.
        ([i / 8 for i in range(6)], 5.0, [0, 0.25, 0.375, 0.625]),
        # Of two equally near frames, the earlier.
        ([0, 0.1, 0.3, 0.4], 5.0, [0, 0.1, 0.4]),
        # A video slower than the grid gives each frame once.
        ([0, 0.5, 1.0, 4.0], 30.0, [0, 0.5, 1.0, 4.0]),
        # What is not later is left out.
        ([0, 0.5, 0.5, 0.2, 1.0], 10.0, [0, 0.5, 1.0]),
    ],
)
def test_frames_on_the_grid_are_chosen(
    times: list[float], rate: float, expected: list[float]
) -> None:
    assert chosen(times, rate) == expected


def test_the_rate_of_ntsc_gives_the_frames_of_its_own_rate() -> None:
    times = [i * 1001 / 30000 for i in range(3000)]
    assert len(chosen(times, 30000 / 1001)) == 3000
    assert len(chosen(times, 5.0)) == math.floor(times[-1] * 5) + 1


@pytest.mark.parametrize('rate', [1.0, 5.0, 7.3])
def test_parts_give_what_the_whole_gives(rate: float) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.4, 300)).round(3)
    times -= times[0]
    whole = chosen(list(times), rate)
    parts = []
    for part in range(20):
        start = part * 3.7
        # from one before the part on, as a file that is searched gives them
        first = max(0, np.searchsorted(times, start) - 1)
        parts += chosen(list(times[first:]), rate, start, start + 3.7)
    assert parts == whole


def test_what_precedes_damage_is_given() -> None:
    def damaged() -> Iterator[tuple[float, str]]:
        yield from timed(0, 0.1, 0.2)
        raise VideoError('bad')

    given = []
    with pytest.raises(VideoError, match='bad'):
        given += chosen_frames(damaged(), 10.0, 0.0, math.inf)
    frames = chosen_frames(damaged(), 10.0, 0.0, math.inf)
    assert [next(frames)[0] for _ in range(3)] == [0, 0.1, 0.2]


def image(number: int) -> np.ndarray:
    return np.full((2, 3, 3), number, np.uint8)


NUMBERED = [(number / 30, partial(image, number)) for number in range(30)]


def test_frames_are_found_by_their_times_in_any_order_and_repeatedly() -> None:
    found = frames_at(NUMBERED, [0.5, 0.033333, 0.5, 0.9666667], 'video.mp4')
    assert [each[0, 0, 0] for each in found] == [15, 1, 15, 29]
    assert {each.shape for each in found} == {(2, 3, 3)}


def test_a_time_without_a_frame_is_told() -> None:
    for time in (0.05, 5.0):
        with pytest.raises(VideoError, match=f'no frame at {time:.6f} s'):
            frames_at(NUMBERED, [0.5, time], 'video.mp4')


def test_frames_of_several_sizes_are_told() -> None:
    sizes = [(n / 10, partial(np.zeros, (n, 3, 3), np.uint8)) for n in range(3)]
    with pytest.raises(VideoError, match='expected one size'):
        frames_at(sizes, [0.1, 0.2], 'video.mp4')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frames 31, 33, 35 ... 49 of a video of 20 frames per second, grey as their numbers."""
    for number in range(31, 50, 2):
        image = PIL.Image.fromarray(np.full((6, 8, 3), number, np.uint8))
        image.save(tmp_path / f'frame_{number:010}.png')
    return tmp_path


def test_times_are_those_of_the_numbers(folder: Path) -> None:
    frames = list(NumberedFrames(folder, folder_rate=20.0).frames(5.0))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert [frame.image[0, 0, 0] for frame in frames] == [31, 35, 39, 43, 47]
    assert NumberedFrames(folder, folder_rate=20.0).duration() == pytest.approx(0.95)


def test_parts_and_times_give_what_the_whole_gives(folder: Path) -> None:
    source = NumberedFrames(folder, folder_rate=20.0)
    parts = [*source.frames(5.0, 0, 0.3), *source.frames(5.0, 0.3, 0.7), *source.frames(5.0, 0.7)]
    assert [frame.image[0, 0, 0] for frame in parts] == [31, 35, 39, 43, 47]
    assert source.at([0.6, 0.2])[:, 0, 0, 0].tolist() == [43, 35]


def test_another_rate_or_frame_is_another_video(folder: Path) -> None:
    before = NumberedFrames(folder, folder_rate=20.0).fingerprint()
    assert NumberedFrames(folder, folder_rate=30.0).fingerprint() != before
    (folder / 'frame_0000000049.png').unlink()
    assert NumberedFrames(folder, folder_rate=20.0).fingerprint() != before


def test_windows_are_those_with_frames(folder: Path) -> None:
    assert NumberedFrames(folder, folder_rate=20.0).windows(0.3) == [0, 1, 2, 3]
    (folder / 'frame_0000000049.png').rename(folder / 'frame_9000000031.png')
    assert NumberedFrames(folder, folder_rate=20.0).windows(0.3) == [0, 1, 2, 1_500_000_000]


def test_numbers_that_count_nanoseconds_need_their_own_rate(folder: Path) -> None:
    for number in range(31, 50, 2):
        name = f'frame_{1_700_000_000_000_000_000 + number * 50_000_000}.png'
        (folder / f'frame_{number:010}.png').rename(folder / name)
    with pytest.raises(ValueError, match='folder_rate is 0; expected above 0'):
        NumberedFrames(folder, folder_rate=0)
    with pytest.raises(VideoError, match='are 5000000 s apart at 20 numbers per second'):
        NumberedFrames(folder, folder_rate=20.0).duration()
    assert NumberedFrames(folder, folder_rate=1e9).duration() == pytest.approx(0.9)
