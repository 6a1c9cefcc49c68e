# SPDX-License-Identifier: Apache-2.0
"""Selection of frames from streams."""

import itertools

import numpy as np
import pytest

from afformer_core.media.video_frames import uniform_indices
from afformer_core.runtime.frame_sampler import FrameSampler


def feed(maximum: int, count: int) -> FrameSampler[int]:
    sampler: FrameSampler[int] = FrameSampler(maximum)
    for frame in range(count):
        sampler.offer(frame)
    return sampler


@pytest.mark.parametrize('count', [1, 7, 8, 9, 31, 32])
def test_exactly_uniform_up_to_four_times_the_maximum(count: int) -> None:
    sampler = feed(8, count)

    assert sampler.selection() == uniform_indices(count, 8)
    assert sampler.count == count


def test_long_streams_stay_even() -> None:
    sampler = feed(8, 10_000)
    selection = sampler.selection()
    gaps = [later - earlier for earlier, later in itertools.pairwise(selection)]

    assert len(selection) == 8
    assert selection[0] == 0
    assert max(gaps) - min(gaps) <= 512
    assert len(sampler.kept) <= 32


def test_empty() -> None:
    assert FrameSampler[int](8).selection() == []


@pytest.mark.parametrize(('before', 'after'), [(3, 5), (3, 500), (40, 5), (40, 4000)])
def test_absorbing_a_continuation_keeps_the_frames_even(before: int, after: int) -> None:
    sampler = feed(8, before)
    later = sampler.continuation()
    for frame in range(before, before + after):
        later.offer(frame)
    sampler.absorb(later)

    assert sampler.kept[0] == 0
    assert min(before + after, 16) <= len(sampler.kept) <= 32
    assert np.ptp(np.diff(sampler.kept)) == 0
    assert sampler.count == before + after


def test_a_continuation_that_is_dropped_changes_nothing() -> None:
    sampler = feed(8, 10)
    later = sampler.continuation()
    for frame in range(10, 500):
        later.offer(frame)

    assert sampler.kept == list(range(10))
    assert sampler.count == 10


@pytest.mark.parametrize(
    ('count', 'kept'),
    [
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (9, [0, 2, 4, 6, 8]),
        (16, [0, 2, 4, 6, 8, 10, 12, 14]),
        (17, [0, 4, 8, 12, 16]),
        (20, [0, 4, 8, 12, 16]),
    ],
)
def test_every_second_goes_when_there_are_four_times_as_many(count: int, kept: list[int]) -> None:
    sampler = feed(2, count)

    assert sampler.kept == kept
    assert sampler.selection() == [kept[0], kept[-1]]


def test_an_absorbed_continuation_has_the_stride_of_both() -> None:
    sampler = feed(2, 7)
    later = sampler.continuation()
    for frame in range(7, 20):
        later.offer(frame)
    assert later.kept == [8, 10, 12, 14, 16, 18]
    sampler.absorb(later)

    assert sampler.kept == [0, 4, 8, 12, 16]
