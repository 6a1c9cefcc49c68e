# SPDX-License-Identifier: Apache-2.0
"""Samplings by literal times and indices, and their names."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.offline.data.frame_sampling import (
    FrameSampling,
    UniformSampling,
    WindowSampling,
    parse_frame_sampling,
)


def at_rate(count: int, rate: float) -> np.ndarray:
    return np.arange(count) / rate


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('uniform 64', UniformSampling(64)),
        ('2 fps x 32 every 16', WindowSampling(2.0, 32, 16)),
        ('2.5 fps x 8 every 8', WindowSampling(2.5, 8, 8)),
        ('29.97 fps x 8 every 1', WindowSampling(29.97, 8, 1)),
        ('0.00001 fps x 1 every 1', WindowSampling(1e-5, 1, 1)),
    ],
)
def test_a_name_is_read_and_given_back(name: str, expected: FrameSampling) -> None:
    assert parse_frame_sampling(name) == expected
    assert str(expected) == name


@pytest.mark.parametrize(
    'name', ['', 'uniform', 'uniform -1', '64', '2 fps', 'nan fps x 2 every 1', '2 fps x 32']
)
def test_another_name_is_refused_with_the_forms_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"'uniform N' or 'R fps x N every S'"):
        parse_frame_sampling(name)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('uniform 0', 'maximum of frames is 0'),
        ('0 fps x 32 every 16', 'the rate is 0.0 fps'),
        ('1001 fps x 32 every 16', 'the rate is 1001.0 fps'),
        ('2 fps x 0 every 0', 'windows have 0 frames every 0'),
        ('2 fps x 32 every 0', 'windows have 32 frames every 0'),
        ('2 fps x 32 every 33', 'windows have 32 frames every 33'),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_frame_sampling(name)


@pytest.mark.parametrize(
    ('count', 'expected'), [(1, [0]), (4, [0, 1, 2, 3]), (7, [0, 2, 4, 6]), (10, [0, 3, 6, 9])]
)
def test_uniform_is_one_window(count: int, expected: list[int]) -> None:
    assert UniformSampling(4).windows(at_rate(count, 30)) == [expected]


@pytest.mark.parametrize('rate', [24, 25, 30, 50, 60])
def test_times_that_are_rounded_to_milliseconds_choose_the_same_frames(rate: int) -> None:
    start = 0.4567
    rounded = np.round(start + at_rate(4 * rate + 1, rate), 3)
    assert WindowSampling(2.0, 99, 99).windows(rounded) == [
        [rate * half // 2 for half in range(9)]
    ]


@pytest.mark.parametrize(
    ('name', 'times', 'expected'),
    [
        ('2 fps x 32 every 16', at_rate(91, 30), [[0, 15, 30, 45, 60, 75, 90]]),
        # What is shown for long is repeated.
        ('2 fps x 32 every 16', np.array([0.0, 0.1, 1.6, 1.7, 2.0]), [[0, 1, 1, 1, 4]]),
        ('4 fps x 32 every 16', at_rate(3, 2), [[0, 0, 1, 1, 2]]),
        # Times count from the first frame.
        ('1 fps x 2 every 2', 7.25 + at_rate(4, 1), [[0, 1], [2, 3]]),
    ],
)
def test_frames_at_a_rate(name: str, times: np.ndarray, expected: list[list[int]]) -> None:
    assert parse_frame_sampling(name).windows(times) == expected


@pytest.mark.parametrize(
    ('count', 'expected'),
    [
        (1, [[0]]),
        (3, [[0, 1, 2]]),
        (4, [[0, 1, 2, 3]]),
        (5, [[0, 1, 2, 3], [1, 2, 3, 4]]),
        (6, [[0, 1, 2, 3], [2, 3, 4, 5]]),
        (7, [[0, 1, 2, 3], [2, 3, 4, 5], [3, 4, 5, 6]]),
        (8, [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]),
    ],
)
def test_windows_cover_the_whole_clip(count: int, expected: list[list[int]]) -> None:
    assert WindowSampling(1.0, 4, 2).windows(at_rate(count, 1)) == expected
