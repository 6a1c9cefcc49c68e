# SPDX-License-Identifier: Apache-2.0
"""Clips in memory: their frames and marks, given contacts, and negatives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.evaluation.parts.clips import (
    MarkedFrame,
    Negatives,
    find_negatives,
    read_clip,
)
from afformer_core.media.video import write_video


@pytest.fixture
def rising(make_pair, tmp_path: Path):
    """A pair whose clip has ten frames, each brighter by 20 than the one before."""
    frames = np.stack([np.full((32, 64, 3), 20 * number, np.uint8) for number in range(10)])
    write_video(tmp_path / 'clip.mp4', frames, 10.0, 0)
    return make_pair(before={'frame': 5, 'x': 15.5, 'y': 23.5})


def test_frames_are_spread_over_the_clip_and_the_mark_has_its_own(rising) -> None:
    clip = read_clip(rising, 4)
    assert np.abs(clip.frames.mean((1, 2, 3)) - [0, 60, 120, 180]).max() < 4
    assert clip.marked is not None
    assert abs(clip.marked.image.mean() - 100) < 4
    assert clip.marked.point == (0.25, 0.75)


@pytest.mark.parametrize('seed', [3, 4])
def test_a_mark_moves_by_a_share_of_the_diagonal(seed: int) -> None:
    mark = MarkedFrame(np.zeros((30, 40, 3), np.uint8), (0.25, 0.5))
    moved = mark.moved(8, np.random.default_rng(seed))
    assert mark.percent_away(moved.point) == pytest.approx(8)
    assert moved == mark.moved(8, np.random.default_rng(seed))
    assert moved.point != mark.moved(8, np.random.default_rng(seed + 2)).point


def test_a_mark_stays_in_its_frame() -> None:
    corner = MarkedFrame(np.zeros((30, 40, 3), np.uint8), (1.0, 0.0))
    points = [corner.moved(9, np.random.default_rng(seed)).point for seed in range(20)]
    assert np.min(points) == 0
    assert np.max(points) == 1


def test_a_mark_beyond_the_clip_is_an_error(rising, make_pair) -> None:
    with pytest.raises(DatasetError, match=r'in frame 10; .*clip.mp4 has 10 frames, from 0'):
        read_clip(make_pair(before={'frame': 10, 'x': 1, 'y': 1}), 4)


def elsewhere(pairs) -> list[int | None]:
    return [negatives.elsewhere for negatives in find_negatives(pairs)]


def test_another_source_is_half_the_list_further_on(make_pair) -> None:
    pairs = [make_pair(id=name, source_video=name, repository=name) for name in 'abcdef']
    assert elsewhere(pairs) == [3, 4, 5, 0, 1, 2]


def test_one_negative_is_of_another_source_and_one_of_the_same(make_pair) -> None:
    pairs = [
        make_pair(id=f'{number}', source_video=f'{number // 2}', repository=source)
        for number, source in enumerate('aaaabb')
    ]
    assert find_negatives(pairs) == [
        *(Negatives(4, 3), Negatives(4, 2), Negatives(5, 0), Negatives(4, 0)),
        *(Negatives(1, None), Negatives(2, None)),
    ]


def test_a_folder_of_one_source_has_other_videos_for_both(make_pair) -> None:
    pairs = [make_pair(id=name, source_video=name) for name in 'abcd']
    assert find_negatives(pairs)[0] == Negatives(2, 3)
    assert find_negatives(pairs[:2]) == [Negatives(1, None), Negatives(0, None)]


def test_another_clip_of_the_same_source_video_is_no_negative(make_pair) -> None:
    pairs = [make_pair(id=f'{number}', source_video=name) for number, name in enumerate('abab')]
    assert elsewhere(pairs) == [3, 0, 1, 2]


def test_negatives_are_of_the_same_folder(make_pair) -> None:
    pairs = [make_pair(id=name, source_video=name) for name in 'abcde']
    pooled = [replace(pair, folder='first' if n < 3 else 'second') for n, pair in enumerate(pairs)]
    assert elsewhere(pooled) == [1, 2, 0, 4, 3]


def test_the_same_name_of_a_video_of_another_source_is_another_video(make_pair) -> None:
    pairs = [make_pair(source_video='one', repository=name) for name in ('a/a', 'b/b')]
    assert elsewhere(pairs) == [1, 0]


def test_one_source_video_has_no_negative(make_pair) -> None:
    pairs = [make_pair(), make_pair(id='second')]
    assert find_negatives(pairs) == [Negatives(None, None)] * 2
