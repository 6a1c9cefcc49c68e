# SPDX-License-Identifier: Apache-2.0
"""Progress of reading a demonstration, and its end before that of the file."""

from __future__ import annotations

import math
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest

from afformer_core.demonstrations.media import VideoProgress, read_demonstration
from afformer_core.media.video import write_video


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Ten frames, four a second."""
    path = tmp_path / 'film.mp4'
    write_video(path, (np.full((48, 64, 3), 20 * number, np.uint8) for number in range(10)), 4.0)
    return path


def told(path: Path) -> list[tuple[int, float]]:
    progress: list[tuple[int, float]] = []
    read_demonstration(path, 4, lambda frames, share: progress.append((frames, share)))
    return progress


def test_a_video_is_decoded_once(video):
    assert told(video) == [(number, pytest.approx(number / 10)) for number in range(1, 11)]


def test_a_video_whose_frames_cannot_be_counted_otherwise_is_decoded_twice(tmp_path):
    path = tmp_path / 'film.avi'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=4, width=64, height=48, pix_fmt='yuv420p')
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    progress = told(path)
    assert [frames for frames, _ in progress] == [*range(1, 11), *[10] * 10]
    shares = [share for _, share in progress]
    assert shares == sorted(shares)
    assert shares[9] == pytest.approx(0.45)
    assert shares[10:] == pytest.approx([0.5 + 0.05 * number for number in range(1, 11)])


def test_a_folder_tells_the_frames_that_are_read(tmp_path):
    for number in range(6):
        PIL.Image.new('RGB', (8, 8)).save(tmp_path / f'{number}.png')
    assert told(tmp_path) == [(number, number / 6) for number in range(1, 7)]


def test_without_a_duration_the_share_is_not_known_while_frames_are_counted():
    progress: list[tuple[int, float]] = []
    video = VideoProgress(lambda frames, share: progress.append((frames, share)))
    video.begin(0)
    video.decoded(0.5)
    assert progress[0][0] == 1
    assert math.isnan(progress[0][1])
    video.begin(4)
    video.decoded(None)
    assert progress[1] == (4, 0.625)


def test_what_is_told_may_end_the_reading(video):
    seen = []

    def stop(frames: int, share: float) -> None:
        seen.append(frames)
        if frames == 3:
            raise KeyError('enough')

    with pytest.raises(KeyError, match='enough'):
        read_demonstration(video, 4, stop)
    assert seen == [1, 2, 3]
