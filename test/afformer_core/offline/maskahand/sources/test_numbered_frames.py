# SPDX-License-Identifier: Apache-2.0
"""Folders of numbered images as sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import VideoError
from afformer_core.offline.maskahand.sources.numbered_frames import NumberedFrames


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frames 31, 33, 35 ... 49 of a video of 20 frames per second, grey as their numbers."""
    for number in range(31, 50, 2):
        image = PIL.Image.fromarray(np.full((6, 8, 3), number, np.uint8))
        image.save(tmp_path / f'frame_{number:010}.png')
    return tmp_path


def test_times_are_those_of_the_numbers(folder: Path) -> None:
    frames = list(NumberedFrames(folder, folder_rate=20.0).frames(5.0))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert [frame.image[0, 0, 0] for frame in frames] == [31, 35, 39, 43, 47]
    assert NumberedFrames(folder, folder_rate=20.0).duration() == pytest.approx(0.95)


def test_parts_and_times_give_what_the_whole_gives(folder: Path) -> None:
    source = NumberedFrames(folder, folder_rate=20.0)
    parts = [*source.frames(5.0, 0, 0.3), *source.frames(5.0, 0.3, 0.7), *source.frames(5.0, 0.7)]
    assert [frame.image[0, 0, 0] for frame in parts] == [31, 35, 39, 43, 47]
    assert source.at([0.6, 0.2])[:, 0, 0, 0].tolist() == [43, 35]


def test_another_rate_or_frame_is_another_video(folder: Path) -> None:
    before = NumberedFrames(folder, folder_rate=20.0).fingerprint()
    assert NumberedFrames(folder, folder_rate=30.0).fingerprint() != before
    (folder / 'frame_0000000049.png').unlink()
    assert NumberedFrames(folder, folder_rate=20.0).fingerprint() != before


def test_windows_are_those_with_frames(folder: Path) -> None:
    assert NumberedFrames(folder, folder_rate=20.0).windows(0.3) == [0, 1, 2, 3]
    (folder / 'frame_0000000049.png').rename(folder / 'frame_9000000031.png')
    assert NumberedFrames(folder, folder_rate=20.0).windows(0.3) == [0, 1, 2, 1_500_000_000]


def test_numbers_that_count_nanoseconds_need_their_own_rate(folder: Path) -> None:
    for number in range(31, 50, 2):
        name = f'frame_{1_700_000_000_000_000_000 + number * 50_000_000}.png'
        (folder / f'frame_{number:010}.png').rename(folder / name)
    with pytest.raises(ValueError, match='folder_rate is 0; expected above 0'):
        NumberedFrames(folder, folder_rate=0)
    with pytest.raises(VideoError, match='are 5000000 s apart at 20 numbers per second'):
        NumberedFrames(folder, folder_rate=20.0).duration()
    assert NumberedFrames(folder, folder_rate=1e9).duration() == pytest.approx(0.9)
