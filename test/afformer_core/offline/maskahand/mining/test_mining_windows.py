# SPDX-License-Identifier: Apache-2.0
"""Clips of a video: where they begin and end, and which show an interaction."""

from __future__ import annotations

import pytest

from afformer_core.offline.maskahand.mining.mining import windows_with


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
    assert list(windows_with(count, range(count), 32, 16)) == expected


def test_windows_apart_leave_nothing_out_at_the_end() -> None:
    assert windows_with(10, range(10), 3, 5) == ((0, 2), (5, 7), (7, 9))


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
