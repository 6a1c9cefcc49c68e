# SPDX-License-Identifier: Apache-2.0
"""Clips in memory: their frames and marks, given contacts, and negatives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.video import write_video
from afformer_core.offline.evaluation.parts.clips import (
    MarkedFrame,
    Negatives,
    find_negatives,
    read_clip,
)


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
    again = mark.moved(8, np.random.default_rng(seed))
    assert (moved.point, id(moved.image)) == (again.point, id(mark.image))
    assert moved.point != mark.moved(8, np.random.default_rng(seed + 2)).point


def test_a_mark_stays_in_its_frame() -> None:
    corner = MarkedFrame(np.zeros((30, 40, 3), np.uint8), (1.0, 0.0))
    points = [corner.moved(9, np.random.default_rng(seed)).point for seed in range(20)]
    assert np.min(points) == 0
    assert np.max(points) == 1


def test_a_mark_beyond_the_clip_is_an_error(rising, make_pair) -> None:
    with pytest.raises(DatasetError, match=r'in frame 10; .*clip.mp4 has 10 frames, from 0'):
        read_clip(make_pair(before={'frame': 10, 'x': 1, 'y': 1}), 4)


@pytest.mark.parametrize(
    ('videos', 'sources', 'folders', 'elsewhere', 'nearby'),
    [
        # Another source is half the list further on, and there is none of the same.
        ('abcdef', 'abcdef', '      ', [3, 4, 5, 0, 1, 2], [None] * 6),
        # One is of another source, and one is another video of the same.
        ('001122', 'aaaabb', '      ', [4, 4, 5, 4, 1, 2], [3, 2, 0, 0, None, None]),
        # A folder of one source has other videos for both, as far as there are any.
        ('abcd', 'aaaa', '    ', [2, 3, 0, 1], [3, 0, 1, 2]),
        ('ab', 'aa', '  ', [1, 0], [None, None]),
        # Another clip of the same video is no negative.
        ('abab', 'aaaa', '    ', [3, 0, 1, 2], [1, 2, 3, 0]),
        ('aa', 'aa', '  ', [None, None], [None, None]),
        # A video of the same name of another source is another video.
        ('aa', 'ab', '  ', [1, 0], [None, None]),
        # Both are of the same folder.
        ('abcde', 'aaaaa', '11122', [1, 2, 0, 4, 3], [2, 0, 1, None, None]),
    ],
)
def test_negatives_are_other_videos_of_the_folder(
    make_pair,
    videos: str,
    sources: str,
    folders: str,
    elsewhere: list[int | None],
    nearby: list[int | None],
) -> None:
    pairs = [
        replace(make_pair(source_video=video, repository=source), folder=folder)
        for video, source, folder in zip(videos, sources, folders, strict=True)
    ]
    expected = [Negatives(*each) for each in zip(elsewhere, nearby, strict=True)]
    assert find_negatives(pairs) == expected
