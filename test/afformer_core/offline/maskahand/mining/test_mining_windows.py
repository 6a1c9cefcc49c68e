# SPDX-License-Identifier: Apache-2.0
"""Clips of a video: where they begin and end, and which show an interaction."""

from __future__ import annotations

import pytest

from afformer_core.offline.maskahand.mining.mining import clip_windows, windows_with


@pytest.mark.parametrize(
    ('count', 'expected'),
    [
        (0, []),
        (1, []),
        (2, [(0, 1)]),
        (31, [(0, 30)]),
        (32, [(0, 31)]),
        (33, [(0, 31), (1, 32)]),
        (48, [(0, 31), (16, 47)]),
        (70, [(0, 31), (16, 47), (32, 63), (38, 69)]),
    ],
)
def test_windows_cover_a_video_and_the_last_ends_with_it(
    count: int, expected: list[tuple[int, int]]
) -> None:
    assert clip_windows(count, 32, 16) == expected


def test_windows_apart_leave_nothing_out_at_the_end() -> None:
    assert clip_windows(10, 3, 5) == [(0, 2), (5, 7), (7, 9)]


@pytest.mark.parametrize(
    ('numbers', 'expected'),
    [
        ([], ()),
        ([15], ((0, 31),)),
        ([47, 16], ((0, 31), (16, 47), (32, 63), (38, 69))),
        ([69], ((38, 69),)),
    ],
)
def test_windows_with_an_interaction_at_either_edge(
    numbers: list[int], expected: tuple[tuple[int, int], ...]
) -> None:
    assert windows_with(70, numbers, 32, 16) == expected


@pytest.mark.parametrize(('length', 'stride'), [(1, 16), (32, 0)])
def test_windows_that_are_none_are_refused(length: int, stride: int) -> None:
    with pytest.raises(ValueError, match=f'windows have {length} frames at a stride of {stride}'):
        clip_windows(70, length, stride)
