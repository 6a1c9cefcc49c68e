# SPDX-License-Identifier: Apache-2.0
"""Even indices, and parts of videos: frames of any duration, key frames, edit lists."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.video import VideoReader, read_video, write_video
from afformer_core.media.video_frames import Part, decode_part, frames_shown, uniform_indices

# Milliseconds; the second frame is shown for 2.9 s.
TIMES = (0, 100, 3000, 3040, 3080, 5000, 5500)
GREYS = [np.full((48, 64, 3), 20 * number, np.uint8) for number in range(12)]


def write_frames(
    path: Path, times: Sequence[int], key_interval: int = 250, start: int = 0
) -> None:
    """Grey frames that begin at milliseconds; frame k has level 20 k, and some are B-frames."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {'crf': '10', 'g': str(key_interval), 'bf': '2', 'sc_threshold': '0'}
        for number, time in enumerate(times):
            image = np.full((48, 64, 3), 20 * number % 240, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            frame.pts, frame.time_base = start + time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def levels(frames: np.ndarray) -> list[int]:
    """Index of the grey level, 20 apart, of each frame."""
    return [round(float(frame.mean()) / 20) for frame in frames]


@pytest.mark.parametrize(
    ('part', 'shown'),
    [
        ((0.0, 3.0), [0, 1]),
        ((0.0, 0.1), [0]),
        ((0.1, 0.2), [1]),
        ((1.0, 2.0), [1]),
        ((2.9, 3.01), [1, 2]),
        ((3.0, 3.04), [2]),
        ((3.02, 5.0), [2, 3, 4]),
        ((5.2, 6.0), [5, 6]),
        ((0.0, 9.0), [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_part_has_the_frames_that_are_shown_in_it(part: Part, shown: list[int]) -> None:
    frames = [(time / 1000, number) for number, time in enumerate(TIMES)]
    found = list(frames_shown(frames, part, 3.0, Path('a.mp4')))
    assert [number for _, number in found] == shown
    assert [time for time, _ in found] == [TIMES[number] / 1000 for number in shown]


@pytest.mark.parametrize('part', [(5.7, 6.0), (7.0, 8.0), (1.0, 6.8)])
def test_a_part_beyond_the_end_is_refused(part: Part) -> None:
    frames = [(time / 1000, number) for number, time in enumerate(TIMES)]
    with pytest.raises(VideoError, match=r'a\.mp4 has no part from .*it lasts 5\.70 s'):
        list(frames_shown(frames, part, 0.2, Path('a.mp4')))


def test_a_part_may_end_up_to_a_second_after_the_video(tmp_path: Path) -> None:
    write_video(tmp_path / 'clip.mp4', GREYS, 4)
    assert levels(read_video(tmp_path / 'clip.mp4', clip=(2.5, 3.9))) == [10, 11]
    with pytest.raises(VideoError, match=r'no part from 2\.5 s to 4\.1 s: it lasts 3\.00 s'):
        read_video(tmp_path / 'clip.mp4', clip=(2.5, 4.1))


@pytest.mark.parametrize('suffix', ['mp4', 'mov', 'mkv', 'ts'])
@pytest.mark.parametrize('key_interval', [1, 3, 250])
@pytest.mark.parametrize(
    ('part', 'shown'),
    [((0.0, 0.2), [0, 1]), ((1.0, 2.0), [1]), ((3.02, 5.0), [2, 3, 4]), ((5.4, 5.6), [5, 6])],
)
def test_frames_are_found_by_their_times(
    tmp_path: Path, suffix: str, key_interval: int, part: Part, shown: list[int]
) -> None:
    path = tmp_path / f'clip.{suffix}'
    write_frames(path, TIMES, key_interval)
    assert levels(read_video(path, clip=part)) == shown


def test_seconds_count_from_the_first_frame(tmp_path: Path) -> None:
    write_frames(tmp_path / 'clip.mkv', TIMES, start=60_000)
    with VideoReader(tmp_path / 'clip.mkv', clip=(3.02, 5.0)) as reader:
        assert [frame.time for frame in reader] == pytest.approx([3.0, 3.04, 3.08])


def test_a_part_is_sampled_evenly_and_read_again(tmp_path: Path) -> None:
    write_frames(tmp_path / 'clip.mp4', range(0, 3000, 250), key_interval=4)
    path, part = tmp_path / 'clip.mp4', (0.5, 1.75)
    assert levels(read_video(path, 3, part)) == [2, 4, 6]
    with VideoReader(path, part) as reader:
        assert reader.count() == 5
        assert levels(reader.read([1, 3])) == [3, 5]
        assert reader.duration == pytest.approx(3.0, abs=0.3)


def test_a_part_of_a_real_clip_is_found_by_what_its_edit_list_shows(test_data: Path) -> None:
    path = test_data / 'opra/clips/seattle/1/193/217.5_6.5.mp4'
    with VideoReader(path) as reader:
        whole = [(frame.time, frame.image[::40, ::40]) for frame in reader]
    for part in ((0.0, 0.4), (2.01, 2.5), (6.0, 6.5)):
        with VideoReader(path, part) as reader:
            found = [(frame.time, frame.image[::40, ::40]) for frame in reader]
        expected = list(frames_shown(whole, part, 1 / 30, path))
        assert [time for time, _ in found] == [time for time, _ in expected]
        for (_, image), (_, other) in zip(found, expected, strict=True):
            np.testing.assert_array_equal(image, other)


def test_frames_without_times_are_taken_by_the_rate(tmp_path: Path) -> None:
    write_video(tmp_path / 'clip.mp4', GREYS, 4)
    frames = [SimpleNamespace(time=None, number=number) for number in range(9)]

    def decode() -> Any:
        return ((None, frame) for frame in frames)

    with av.open(str(tmp_path / 'clip.mp4')) as container:
        found = list(decode_part(decode, container, (0.5, 1.25), 4.0, Path('a.mp4')))
    assert [(time, frame.number) for time, frame in found] == [(0.5, 2), (0.75, 3), (1.0, 4)]


def test_a_part_before_the_cut_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / 'clip.mkv'
    write_frames(path, range(0, 12_000, 100), key_interval=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    whole = read_video(path)
    np.testing.assert_array_equal(read_video(path, clip=(3.0, 3.5)), whole[30:35])
    with pytest.raises(VideoError, match='has no part from 11 s to 12 s'):
        read_video(path, clip=(11.0, 12.0))


@pytest.mark.parametrize('part', [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (0.0, float('inf'))])
def test_what_is_no_part_is_refused(tmp_path: Path, part: Part) -> None:
    write_video(tmp_path / 'clip.mp4', GREYS, 4)
    with pytest.raises(VideoError, match='expected a start of at least 0 s and a later end'):
        VideoReader(tmp_path / 'clip.mp4', part)


def test_a_folder_of_frames_has_no_part_in_seconds(tmp_path: Path) -> None:
    (tmp_path / '0.png').touch()
    with pytest.raises(VideoError, match='Name a part by their numbers'):
        read_video(tmp_path, clip=(0.0, 1.0))


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


@pytest.mark.parametrize(('count', 'maximum'), [(0, 8), (8, 0)])
def test_nothing_to_choose_from(count: int, maximum: int) -> None:
    with pytest.raises(ValueError, match='at least 1'):
        uniform_indices(count, maximum)
