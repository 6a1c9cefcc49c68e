# SPDX-License-Identifier: Apache-2.0
"""Clips of samples: videos of any rate, parts of them, folders of frames, and what is kept."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError, VideoError
from afformer_core.media.frame_folder import FrameRange
from afformer_core.media.images import resize_to_input
from afformer_core.media.video import VideoReader, read_video, write_video
from afformer_core.offline.data.clip_reader import ClipReader, FrameCache, SampledClip
from afformer_core.offline.data.frame_sampling import (
    FrameSampling,
    UniformSampling,
    WindowSampling,
)
from afformer_core.offline.data.sample import Sample

SIZE = (24, 32)
HALF_SECONDS = WindowSampling(2.0, 4, 2)


def write_frames(path: Path, times: Sequence[int], shift: int = 0) -> Path:
    """Grey frames that begin at milliseconds; frame k has level 20 (k + shift)."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {'crf': '10'}
        for number, time in enumerate(times):
            image = np.full((48, 64, 3), 20 * (number + shift), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_folder(folder: Path, numbers: Sequence[int]) -> Path:
    """Frame k has grey level 2 k."""
    folder.mkdir()
    for number in numbers:
        cv2.imwrite(str(folder / f'frame_{number:04}.png'), np.full((48, 64, 3), 2 * number))
    return folder


def sample(path: Path, clip: tuple[float, float] | None = None) -> Sample:
    return Sample('0', path, Path('a.jpg'), (8, 8), (0,), (np.ones((1, 2)),), clip=clip)


def levels(windows: list[np.ndarray], step: int = 20) -> list[list[int]]:
    """Index of the grey level of each frame of each window."""
    return [[round(float(frame.mean()) / step) for frame in window] for window in windows]


def test_frames_are_resized_as_by_the_model(tmp_path: Path) -> None:
    path = tmp_path / 'clip.mp4'
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (3, 12, 16, 3), np.uint8)
    write_video(path, coarse.repeat(8, axis=1).repeat(8, axis=2), 10.0)

    (window,) = ClipReader(UniformSampling(2), (40, 30)).read(sample(path))

    assert window.dtype == np.uint8
    expected = [resize_to_input(frame, (40, 30)) for frame in read_video(path)[[0, 2]]]
    np.testing.assert_array_equal(window, expected)


def test_a_rate_that_varies_is_sampled_by_time(tmp_path: Path) -> None:
    path = write_frames(tmp_path / 'clip.mp4', [0, 100, 400, 1600, 1700, 1950, 2000])
    assert levels(ClipReader(HALF_SECONDS, SIZE).read(sample(path))) == [
        [0, 2, 2, 2],
        [2, 2, 2, 6],
    ]


def test_a_part_is_sampled_from_where_it_begins(tmp_path: Path) -> None:
    path = write_frames(tmp_path / 'clip.mkv', [0, 100, 3000, 3500, 4000, 6000])
    part = sample(path, clip=(2.5, 4.2))
    assert levels(ClipReader(HALF_SECONDS, SIZE).read(part)) == [[1, 2, 3, 4]]


def test_a_real_clip_with_an_edit_list(test_data: Path) -> None:
    path = test_data / 'opra/clips/seattle/1/193/217.5_6.5.mp4'
    (window,) = ClipReader(WindowSampling(2.0, 32, 16), (64, 64)).read(sample(path))
    # It shows 196 frames at 29.97 a second, of the 265 that are in the file.
    shown = [0, 15, 30, 44, 59, 74, 89, 104, 119, 134, 149, 164, 179, 194]
    with VideoReader(path) as reader:
        expected = [resize_to_input(frame, (64, 64)) for frame in reader.select(shown)]
    np.testing.assert_array_equal(window, expected)


def test_a_folder_of_frames(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / 'take', range(1, 8))
    reader = ClipReader(UniformSampling(4), SIZE)
    assert levels(reader.read(sample(folder)), 2) == [[1, 3, 5, 7]]
    assert levels(reader.read(sample(FrameRange(folder, 2, 4).path)), 2) == [[2, 3, 4]]


def test_numbers_of_a_folder_are_times_at_its_rate(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / 'take', range(10, 100, 10))
    reader = ClipReader(HALF_SECONDS, SIZE, folder_rate=60.0)
    clip = sample(FrameRange(folder, 11, 90, 10).path)
    assert levels(reader.read(clip), 2) == [[20, 50, 80]]


@pytest.mark.parametrize('cache', ['', 'cache'])
def test_an_absent_video_is_named(tmp_path: Path, cache: str) -> None:
    reader = ClipReader(UniformSampling(), SIZE, tmp_path / cache if cache else None)
    with pytest.raises(VideoError, match=r'absent\.mp4 does not exist; expected a video file'):
        reader.read(sample(tmp_path / 'absent.mp4'))
    assert list(tmp_path.iterdir()) == []


def test_one_frame_at_a_time_is_in_memory_at_full_size(tmp_path: Path) -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    write_video(tmp_path / 'large.mp4', [frame] * 12, 25.0)
    reader = ClipReader(UniformSampling(12), SIZE)
    tracemalloc.start()
    try:
        reader.read(sample(tmp_path / 'large.mp4'))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * frame.nbytes


def cached(tmp_path: Path, sampling: FrameSampling = HALF_SECONDS) -> ClipReader:
    return ClipReader(sampling, SIZE, tmp_path / 'cache')


def test_a_kept_clip_is_the_same_and_needs_no_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = sample(write_frames(tmp_path / 'clip.mkv', [0, 100, 1600, 1700, 2600]))
    first = cached(tmp_path).read(clip)
    monkeypatch.setattr('afformer_core.offline.data.clip_reader.VideoReader', None)
    again = cached(tmp_path).read(clip)
    assert levels(again) == levels(first) == [[0, 1, 1, 1], [1, 1, 3, 3]]
    for window, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(window, other)


def test_whatever_changes_the_frames_is_kept_apart(tmp_path: Path) -> None:
    path = write_frames(tmp_path / 'clip.mkv', range(0, 3000, 500))
    other = write_frames(tmp_path / 'other.mkv', range(0, 3000, 500))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    reader = cached(tmp_path)
    for one, clip in (
        (reader, sample(path)),
        (reader, sample(other)),
        (reader, sample(path, clip=(1.0, 2.0))),
        (replace(reader, size=(32, 24)), sample(path)),
        (replace(reader, sampling=UniformSampling(4)), sample(path)),
    ):
        one.read(clip)
    assert len(list((tmp_path / 'cache').iterdir())) == 5


@pytest.mark.parametrize('is_folder', [False, True])
def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, is_folder: bool) -> None:
    reader = cached(tmp_path, UniformSampling())
    if is_folder:
        path = write_folder(tmp_path / 'take', [1, 2])
        replaced = path / 'frame_0002.png'
    else:
        path = replaced = write_frames(tmp_path / 'clip.mkv', [0, 500])
    reader.read(sample(path))
    times = replaced.stat()
    if is_folder:
        cv2.imwrite(str(replaced), np.full((48, 64, 3), 18))
    else:
        write_frames(path, [0, 500], shift=4)
    os.utime(replaced, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert levels(reader.read(sample(path)), 2 if is_folder else 20) == [
        [1, 9] if is_folder else [4, 5]
    ]


def test_a_folder_without_what_its_sampling_needs_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / 'take', [1])
    (tmp_path / 'press').mkdir()
    cv2.imwrite(str(tmp_path / 'press' / 'press.png'), np.zeros((48, 64, 3)))
    timed = ClipReader(HALF_SECONDS, SIZE, folder_rate=60.0)
    for reader, clip, message in (
        (
            replace(timed, folder_rate=None),
            sample(folder),
            'folder of frames, which have no times',
        ),
        (timed, sample(tmp_path / 'press'), r'press\.png has no number'),
        (timed, sample(folder, clip=(0.0, 1.0)), 'Leave out the part in seconds'),
    ):
        with pytest.raises(VideoError, match=message):
            reader.read(clip)
    for wrong in ({'size': (0, 32)}, {'folder_rate': 0.0}, {'folder_rate': float('nan')}):
        with pytest.raises(ValueError, match='expected'):
            replace(timed, **wrong)


def clip(level: int = 0) -> SampledClip:
    frames = np.full((5, 16, 24, 3), level, np.uint8)
    frames[:, 0, 0, 0] = range(5)
    return SampledClip(frames, ((0, 1, 2), (2, 2, 4)))


@pytest.fixture
def cache(tmp_path: Path) -> FrameCache:
    return FrameCache(tmp_path / 'frames')


def names(cache: FrameCache) -> list[str]:
    return [path.name for path in cache.folder.iterdir()]


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
