# SPDX-License-Identifier: Apache-2.0
"""Kept clips: read from disk, damaged ones made anew, and a disk that is full."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.frame_cache import FrameCache, SampledClip


def clip(level: int = 0) -> SampledClip:
    frames = np.full((5, 16, 24, 3), level, np.uint8)
    frames[:, 0, 0, 0] = range(5)
    return SampledClip(frames, ((0, 1, 2), (2, 2, 4)))


@pytest.fixture
def cache(tmp_path: Path) -> FrameCache:
    return FrameCache(tmp_path / 'frames')


def names(cache: FrameCache) -> list[str]:
    return [path.name for path in cache.folder.iterdir()]


def test_a_clip_is_given_back(cache: FrameCache) -> None:
    assert cache.load('a') is None
    cache.save('a', clip(7))
    found = cache.load('a')
    assert found is not None
    assert found.windows == ((0, 1, 2), (2, 2, 4))
    np.testing.assert_array_equal(found.frames, clip(7).frames)
    assert names(cache) == ['a.safetensors']


def test_windows_have_the_frames_of_their_indices() -> None:
    first, second = clip().images()
    assert first[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert second[:, 0, 0, 0].tolist() == [2, 2, 4]


@pytest.mark.parametrize('kept', [0, 3, 90, 2000, -30, -1])
def test_a_file_that_is_cut_off_counts_as_absent(cache: FrameCache, kept: int) -> None:
    cache.save('a', clip())
    cache.path('a').write_bytes(cache.path('a').read_bytes()[:kept])
    assert cache.load('a') is None
    cache.save('a', clip())
    assert cache.load('a') is not None


def test_the_file_of_another_clip_counts_as_absent(cache: FrameCache) -> None:
    cache.save('a', clip())
    cache.path('a').rename(cache.path('b'))
    assert cache.load('b') is None


@pytest.mark.usefixtures('small_disk')
def test_a_full_disk_is_told_with_the_folder_and_nothing_is_left(cache: FrameCache) -> None:
    with pytest.raises(DatasetError, match=r'cache folder .*/frames: .* Free some space'):
        cache.save('a', clip())
    assert names(cache) == []


def _save_and_load(folder: Path) -> bool:
    cache = FrameCache(folder)
    for _ in range(20):
        cache.save('a', clip(7))
        found = cache.load('a')
        if found is None or not np.array_equal(found.frames, clip(7).frames):
            return False
    return True


def test_several_at_once_share_a_file(cache: FrameCache) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(_save_and_load, [cache.folder] * 4))
    assert names(cache) == ['a.safetensors']
