# SPDX-License-Identifier: Apache-2.0
"""Video files as sources, sound and damaged ones."""

from __future__ import annotations

import io
import math
import os
import tarfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.video import VideoFrame, write_video
from afformer_core.offline.maskahand.sources.video_file import TarVideo, VideoFile


@pytest.fixture(scope='module')
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s at 10 frames per second, of which no two are alike."""
    path = tmp_path_factory.mktemp('video') / 'video.mp4'
    noise = np.random.default_rng(0)
    frames = [
        cv2.resize(noise.integers(0, 256, (12, 16, 3), np.uint8), (96, 64)) for _ in range(300)
    ]
    write_video(path, frames, 10.0)
    return path


def remuxed(source: Path, target: Path, **options: str) -> Path:
    with av.open(str(source)) as read, av.open(str(target), 'w', options=options) as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    return target


def key_frame_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return [float(each.pts * each.time_base) for each in packets if each.is_keyframe]


def same(some: list[VideoFrame], others: list[VideoFrame]) -> bool:
    return len(some) == len(others) and all(
        one.time == other.time and np.array_equal(one.image, other.image)
        for one, other in zip(some, others, strict=True)
    )


def read_until_damaged(path: Path) -> tuple[list[float], str]:
    times: list[float] = []
    with pytest.raises(VideoError) as told:
        times.extend(frame.time for frame in VideoFile(path).frames(5.0))
    frames = VideoFile(path).frames(5.0)
    try:
        while True:
            times.append(next(frames).time)
    except VideoError:
        return times, str(told.value)


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv', '.ts'])
def test_parts_are_the_whole_pixel_for_pixel(mp4: Path, tmp_path: Path, suffix: str) -> None:
    source = VideoFile(remuxed(mp4, tmp_path / f'video{suffix}'))
    whole = list(source.frames(4.0))
    assert len(whole) == 120
    assert [frame.time for frame in whole[:4]] == pytest.approx([0, 0.2, 0.5, 0.7])
    parts = [frame for n in range(5) for frame in source.frames(4.0, n * 7.3, (n + 1) * 7.3)]
    assert same(parts, whole)
    assert source.duration() == pytest.approx(30, abs=0.2)


def test_the_frames_of_some_times_are_read_again(mp4: Path) -> None:
    source = VideoFile(mp4)
    whole = list(source.frames(10.0))
    chosen = [250, 249, 270]
    found = source.at([whole[i].time for i in chosen])
    assert np.array_equal(found, np.stack([whole[i].image for i in chosen]))


def test_a_late_part_is_sought_and_not_read_from_the_beginning(
    mp4: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    monkeypatch.setattr(
        'afformer_core.offline.maskahand.sources.frame_source.chosen_frames',
        lambda frames, *_: (decoded.append(time) or (time, frame) for time, frame in frames),
    )
    list(VideoFile(mp4).frames(5.0, 28.0, math.inf))
    key_frames = [time for time in key_frame_times(mp4) if time <= 27]
    assert key_frames[-1] > 1
    assert decoded[0] == pytest.approx(key_frames[-1])


@pytest.mark.parametrize('filling', ['zeros', 'noise'])
def test_damage_in_the_middle_is_told_where_it_is(mp4: Path, tmp_path: Path, filling: str) -> None:
    data = mp4.read_bytes()
    begin, length = len(data) // 2, len(data) // 20
    filled = bytes(length) if filling == 'zeros' else os.urandom(length)
    path = tmp_path / 'damaged.mp4'
    path.write_bytes(data[:begin] + filled + data[begin + length :])
    times, told = read_until_damaged(path)
    assert 10 < times[-1] < 20
    assert 'is damaged after 1' in told


@pytest.mark.parametrize('suffix', ['.mp4', '.mkv'])
def test_a_file_that_is_cut_off_is_told_where_it_ends(
    mp4: Path, tmp_path: Path, suffix: str
) -> None:
    path = remuxed(mp4, tmp_path / f'cut{suffix}', movflags='faststart')
    os.truncate(path, path.stat().st_size // 2)
    times, told = read_until_damaged(path)
    assert 10 < times[-1] < 20
    assert 'damaged after 1' in told or 'truncated: it ends at 1' in told


def test_a_file_written_again_has_another_fingerprint(mp4: Path, tmp_path: Path) -> None:
    path = tmp_path / 'video.mp4'
    path.write_bytes(mp4.read_bytes())
    fingerprints = set()
    for nanoseconds in (5_100_000_000, 5_900_000_000):
        os.utime(path, ns=(0, nanoseconds))
        fingerprints.add(VideoFile(path).fingerprint())
    assert len(fingerprints) == 2


def test_centuries_that_a_damaged_header_tells_of_are_not_looked_for(tmp_path: Path) -> None:
    path = tmp_path / 'video.avi'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', 10)
        stream.width, stream.height = 64, 48
        for _ in range(30):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), 'rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert VideoFile(path).windows(1.0) == range(3)
    data = bytearray(path.read_bytes())
    length_of_stream = data.index(b'strh') + 8 + 32
    data[length_of_stream : length_of_stream + 4] = b'\xff' * 4
    path.write_bytes(data)
    assert VideoFile(path).windows(1.0) == [0]
    times, told = read_until_damaged(path)
    assert times[-1] > 2
    assert 'truncated: it ends at 2.9' in told


SECOND = 10**9


def write_tar(path: Path, seconds: float, **contents: bytes) -> Path:
    """Write a tar of videos with a time of change, without a change of its inode."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w') as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f'{name}.mp4')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    path.write_bytes(packed.getvalue())
    os.utime(path, ns=(0, round(seconds * SECOND)))
    return path


def test_a_tar_that_is_written_again_is_mined_again(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', 1_700_000_000.25, one=b'a' * 700, two=b'b' * 300)
    one, two = (TarVideo(path, f'{name}.mp4') for name in ('one', 'two'))
    before = two.fingerprint()
    assert two.fingerprint() == before
    assert one.fingerprint() != before

    # Names, sizes and positions are the same.
    write_tar(path, 1_700_000_000.75, one=b'a' * 700, two=b'c' * 300)
    assert two.fingerprint() != before

    write_tar(path, 1_700_000_007, one=b'a' * 700)
    with pytest.raises(VideoError, match=r'a\.tar has no file two\.mp4'):
        two.duration()
