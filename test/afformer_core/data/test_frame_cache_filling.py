# SPDX-License-Identifier: Apache-2.0
"""The cache of clips is filled by an engine with what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.frame_cache import FrameCache, SampledClip
from afformer_core.data.frame_cache_filling import RequestedClip, fill_frame_cache
from afformer_core.errors import DatasetError, VideoError
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import LocalEngine


def clip_of(value: int) -> SampledClip:
    return SampledClip(np.full((2, 4, 4, 3), value, np.uint8), ((0, 1),))


def ask(value: int) -> RequestedClip:
    if value == 13:
        raise VideoError('13.mp4 does not exist')
    return RequestedClip((f'{value}-a', f'{value}-b'), value)


def decode(decoded: list[int], value: int) -> Sequence[SampledClip]:
    decoded.append(value)
    if value == 7:
        raise VideoError('7.mp4 is damaged')
    return clip_of(value), clip_of(value + 100)


def test_what_is_missing_is_decoded_and_kept(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path)
    for key in ('1-a', '1-b', '2-a'):
        cache.save(key, clip_of(50))
    (tmp_path / '2-b.npy').write_bytes(b'truncated')
    decoded: list[int] = []

    fill_frame_cache(tmp_path, [1, 2, 3], ask, partial(decode, decoded), LocalEngine(1))

    assert decoded == [2, 3]
    kept = {key: cache.load(key) for key in ('1-a', '2-a', '2-b', '3-a', '3-b')}
    assert [int(each.frames[0, 0, 0, 0]) for each in kept.values() if each is not None] == [
        50, 2, 102, 3, 103,
    ]  # fmt: skip


def test_what_cannot_be_read_is_named_after_the_others_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        DatasetError, match=r'^2 of 4 clips cannot be read, the first: 13.mp4 .* run the same'
    ):
        fill_frame_cache(tmp_path, [13, 7, 3, 4], ask, partial(decode, []), LocalEngine(1))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        '3-a.npy', '3-b.npy', '4-a.npy', '4-b.npy',
    ]  # fmt: skip
    told = capsys.readouterr().err
    assert 'afformer: 13.mp4 does not exist\n' in told
    assert 'afformer: 7.mp4 is damaged\n' in told


@pytest.mark.parametrize('engine', [LocalEngine(1), LocalEngine(2)], ids=str)
def test_a_mistake_in_the_code_is_not_taken_for_a_broken_clip(
    tmp_path: Path, engine: ParallelEngine
) -> None:
    with pytest.raises(ValueError, match='invalid literal'):
        fill_frame_cache(tmp_path, [3], ask, int_of, engine)


def int_of(value: int) -> Sequence[SampledClip]:
    int('x')
    return ()
