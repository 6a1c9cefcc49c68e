# SPDX-License-Identifier: Apache-2.0
"""Videos of which some frames are needed: the others are skipped, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video import VideoReader
from afformer_core.offline.maskahand.sources.video_file import VideoFile

RATE, FRAMES = 30, 150


def write(path: Path, codec: str, **options: str) -> Path:
    """5 s of 96x64 pixels, no two frames of which are alike, with B-frames."""
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 256, (20, 40, 3), np.uint8), (400, 64))
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 96, 64, 'yuv420p'
        stream.options = {'x265-params': 'log-level=error:bframes=4', **options}
        stream.codec_context.thread_count = 1
        for number in range(FRAMES):
            image = np.ascontiguousarray(scene[:, 2 * number : 2 * number + 96])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, 'rgb24')))
        container.mux(stream.encode())
    return path


# By what they are named for; frames in Matroska have whole milliseconds.
VIDEOS = {
    'h264.mp4': ('libx264', {}),
    'h264.mkv': ('libx264', {'x264-params': 'open-gop=1'}),
    'h264.ts': ('libx264', {'x264-params': 'b-pyramid=none'}),
    'h265.mp4': ('libx265', {}),
    'layers.mp4': ('libx265', {'x265-params': 'log-level=error:bframes=4:temporal-layers=3'}),
}
# Every frame of each refers to others, or it has two fields.
WHOLE = {
    'references.mp4': ('libx264', {'bf': '0'}),
    'fields.mp4': ('libx264', {'x264-params': 'interlaced=1'}),
    'other.mp4': ('mpeg4', {}),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('videos')
    for name, (codec, options) in {**VIDEOS, **WHOLE}.items():
        write(folder / name, codec, g='60', **options)
    return folder


def scanned(
    path: Path, start: float, needed: Needed | None = None
) -> list[tuple[float, np.ndarray | None]]:
    with VideoReader(path) as reader:
        return [
            (time, None if frame is None else frame.to_ndarray())
            for time, frame in reader.scan(start, needed)
        ]


def every_sixth(_: float | None, time: float, __: float | None) -> bool:
    return round(time * RATE) % 6 == 0


@pytest.mark.parametrize('name', VIDEOS)
@pytest.mark.parametrize('start', [0.0, 3.1])
def test_skipped_frames_keep_their_times_and_others_their_pixels(
    folder: Path, name: str, start: float
) -> None:
    whole, some = scanned(folder / name, start), scanned(folder / name, start, every_sixth)

    assert [time for time, _ in some] == pytest.approx([time for time, _ in whole])
    for (_, expected), (time, found) in zip(whole, some, strict=True):
        if every_sixth(None, time, None):
            assert found is not None
        assert found is None or np.array_equal(found, expected)
    assert sum(found is None for _, found in some) > len(whole) / 4


def test_frames_that_an_edit_list_cuts_out_are_not_given(folder: Path, tmp_path: Path) -> None:
    path, cut = tmp_path / 'cut.mp4', 40
    options = {'avoid_negative_ts': 'disabled', 'use_editlist': '1'}
    with av.open(str(folder / 'h264.mp4')) as read, av.open(str(path), 'w', options=options) as to:
        stream = to.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.pts is not None and packet.dts is not None:
                before = round(cut / RATE / packet.time_base)
                packet.pts, packet.dts = packet.pts - before, packet.dts - before
                packet.stream = stream
                to.mux(packet)

    whole, some = scanned(path, 0.0), scanned(path, 0.0, every_sixth)

    assert len(whole) == FRAMES - cut
    assert [time for time, _ in some] == pytest.approx([time for time, _ in whole])
    assert any(frame is None for _, frame in some)


@pytest.mark.parametrize('name', WHOLE)
def test_what_cannot_be_skipped_is_decoded(folder: Path, name: str) -> None:
    frames = [frame for _, frame in scanned(folder / name, 0.0, every_sixth)]

    assert len(frames) == FRAMES
    assert all(frame is not None for frame in frames)


def test_neighbours_are_those_shown_before_and_after(folder: Path) -> None:
    asked = []

    def needed(*times: float | None) -> bool:
        asked.append(times)
        return True

    scanned(folder / 'h264.mp4', 0.0, needed)

    numbers = [[None if time is None else round(time * RATE) for time in each] for each in asked]
    assert sorted(numbers, key=lambda each: each[1]) == [
        [number - 1 if number else None, number, number + 1 if number < FRAMES - 1 else None]
        for number in range(FRAMES)
    ]


@pytest.mark.parametrize('name', [*VIDEOS, *WHOLE])
@pytest.mark.parametrize('rate', [5.0, 7.3])
def test_a_source_gives_the_frames_that_it_gives_without_skipping(
    folder: Path, name: str, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = VideoFile(folder / name)
    frames, part = list(source.frames(rate)), list(source.frames(rate, 2.0, 3.5))
    again = source.at([frame.time for frame in part])

    monkeypatch.setattr('afformer_core.media.video_frames.can_skip', lambda *_: False)
    for found, expected in ((frames, source.frames(rate)), (part, source.frames(rate, 2.0, 3.5))):
        for one, other in zip(found, expected, strict=True):
            assert one.time == other.time
            assert np.array_equal(one.image, other.image)
    assert np.array_equal(again, np.stack([frame.image for frame in part]))


def test_a_frame_that_was_skipped_and_is_chosen_after_all_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = VideoFile(folder / 'h264.mp4')
    expected = list(source.frames(5.0))

    monkeypatch.setattr(
        'afformer_core.offline.maskahand.sources.frame_source.may_be_chosen', lambda *_: False
    )

    for one, other in zip(source.frames(5.0), expected, strict=True):
        assert one.time == other.time
        assert np.array_equal(one.image, other.image)
