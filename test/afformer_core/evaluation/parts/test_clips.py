# SPDX-License-Identifier: Apache-2.0
"""Clips in memory: their frames and marks, blank ones, and those of other videos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.evaluation.parts.clips import other_videos, read_clip, visiting_order
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


def test_a_blank_clip_shows_nothing_and_keeps_its_mark(rising) -> None:
    clip = read_clip(rising, 4)
    blank = clip.blank()
    assert blank.name == '4 blank frames'
    assert blank.frames.shape == clip.frames.shape
    assert np.unique(blank.frames).tolist() == [128]
    assert blank.marked is not None
    assert np.unique(blank.marked.image).tolist() == [128]
    assert blank.marked.point == (0.25, 0.75)


def test_a_mark_beyond_the_clip_is_an_error(rising, make_pair) -> None:
    with pytest.raises(DatasetError, match=r'in frame 10; .*clip.mp4 has 10 frames, from 0'):
        read_clip(make_pair(before={'frame': 10, 'x': 1, 'y': 1}), 4)


def test_other_videos_are_half_the_list_further_on(make_pair) -> None:
    pairs = [make_pair(id=name, source_video=name) for name in 'abcdef']
    assert other_videos(pairs) == [3, 4, 5, 0, 1, 2]


def test_another_clip_of_the_same_source_is_no_other_video(make_pair) -> None:
    pairs = [make_pair(id=f'{number}', source_video=name) for number, name in enumerate('abab')]
    assert other_videos(pairs) == [3, 0, 1, 2]


def test_other_videos_are_of_the_same_folder(make_pair) -> None:
    pairs = [make_pair(id=name, source_video=name) for name in 'abcde']
    pooled = [replace(pair, folder='first' if n < 3 else 'second') for n, pair in enumerate(pairs)]
    assert other_videos(pooled) == [1, 2, 0, 4, 3]


def test_the_same_name_of_a_video_of_another_source_is_another_video(make_pair) -> None:
    pairs = [make_pair(source_video='one', repository=name) for name in ('a/a', 'b/b')]
    assert other_videos(pairs) == [1, 0]


def test_a_pair_is_visited_after_the_one_whose_clip_it_was_shown() -> None:
    assert visiting_order([3, 0, 4, 1, 2, None]) == [0, 3, 1, 2, 4, 5]


def test_one_source_video_has_no_other(make_pair) -> None:
    assert other_videos([make_pair(), make_pair(id='second')]) == [None, None]
