# SPDX-License-Identifier: Apache-2.0
"""Uniform indices by literal values."""

import itertools

import pytest

from afformer_core.media.video_frames import uniform_indices


@pytest.mark.parametrize(
    ('count', 'maximum', 'expected'),
    [
        (1, 8, [0]),
        (3, 3, [0, 1, 2]),
        (5, 3, [0, 2, 4]),
        (10, 4, [0, 3, 6, 9]),
        (9, 1, [4]),
        (100, 2, [0, 99]),
    ],
)
def test_first_last_and_evenly_between(count: int, maximum: int, expected: list[int]) -> None:
    assert uniform_indices(count, maximum) == expected


def test_strictly_increasing_for_every_pair() -> None:
    for count in range(1, 80):
        for maximum in range(1, count + 1):
            indices = uniform_indices(count, maximum)
            assert len(indices) == maximum
            assert all(a < b for a, b in itertools.pairwise(indices))
            assert indices[-1] < count


@pytest.mark.parametrize(('count', 'maximum'), [(0, 8), (8, 0)])
def test_nothing_to_choose_from(count: int, maximum: int) -> None:
    with pytest.raises(ValueError, match='at least 1'):
        uniform_indices(count, maximum)
