# SPDX-License-Identifier: Apache-2.0
"""The size of what a cache of clips lacks, told before any is decoded."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.data.cache_room import CachePart
from afformer_core.data.clip_cache_size import missing_clips
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import UniformSampling, WindowSampling
from afformer_core.data.sample import Sample
from afformer_core.media.video import write_video

FRAME = 24 * 32 * 3


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Two of a video of 20 frames in 2 s, one of its first half, and one of a folder of 4."""
    write_video(tmp_path / 'a.mp4', np.zeros((20, 48, 64, 3), np.uint8), 10.0)
    (tmp_path / 'frames').mkdir()
    for number in range(4):
        cv2.imwrite(str(tmp_path / f'frames/{number}.png'), np.zeros((48, 64, 3), np.uint8))
    made = [
        ('0', tmp_path / 'a.mp4', None),
        ('1', tmp_path / 'a.mp4', None),
        ('2', tmp_path / 'a.mp4', (0.0, 1.0)),
        ('3', tmp_path / 'frames', None),
    ]
    points = (np.ones((1, 2)),)
    return [
        Sample(name, path, tmp_path / 'a.jpg', (8, 8), (0,), points, clip=clip)
        for name, path, clip in made
    ]


def test_clips_of_a_uniform_sampling(samples: list[Sample], tmp_path: Path) -> None:
    reader = ClipReader(UniformSampling(16), (24, 32), tmp_path / 'cache')
    assert [reader.expected_frames(sample) for sample in samples] == [16, 16, 10, 4]
    part = CachePart('3 clips of 10 frames at 32x24', 30 * FRAME)
    assert missing_clips(reader, samples) == [part]


def test_clips_of_windows_have_each_frame_once(samples: list[Sample], tmp_path: Path) -> None:
    reader = ClipReader(WindowSampling(5.0, 4, 2), (24, 32), tmp_path / 'cache')
    assert missing_clips(reader, samples[:2]) == [
        CachePart('1 clips of 10 frames at 32x24', 10 * FRAME)
    ]


def test_what_is_kept_is_not_missing(samples: list[Sample], tmp_path: Path) -> None:
    reader = ClipReader(UniformSampling(16), (24, 32), tmp_path / 'cache')
    reader.read(samples[0])
    assert [reader.is_kept(sample) for sample in samples] == [True, True, False, False]
    (part,) = missing_clips(reader, samples)
    assert part == CachePart('2 clips of 7 frames at 32x24', 14 * FRAME)
    for sample in samples:
        reader.read(sample)
    assert missing_clips(reader, samples) == []


def test_without_a_cache_nothing_is_missing(samples: list[Sample]) -> None:
    assert missing_clips(ClipReader(UniformSampling(16), (24, 32)), samples) == []
