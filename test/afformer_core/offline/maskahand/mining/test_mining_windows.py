# SPDX-License-Identifier: Apache-2.0
"""Clips of a video: where they begin and end, and which show an interaction."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from afformer_core.errors import VideoError
from afformer_core.offline.maskahand.mining.mining import windows_with
from afformer_core.offline.maskahand.mining.video_parts import video_parts


@given(st.integers(0, 60), st.integers(2, 20), st.integers(1, 25), st.sets(st.integers(0, 59)))
def test_windows_cover_a_video_up_to_its_end_and_those_with_an_interaction_are_chosen(
    count: int, length: int, stride: int, numbers: set[int]
) -> None:
    windows = windows_with(count, range(count), length, stride)
    firsts = [first for first, _ in windows]

    assert bool(windows) == (count >= 2)
    if windows:
        assert {last - first + 1 for first, last in windows} == {min(length, count)}
        assert (windows[0][0], windows[-1][1]) == (0, count - 1)
        # Each begins a stride after the one before, but for the last one, which is not later.
        assert set(np.diff(firsts[:-1])) <= {stride}
        assert all(0 < later - first <= stride for first, later in pairwise(firsts))
    chosen = tuple((a, b) for a, b in windows if numbers & set(range(a, b + 1)))
    assert windows_with(count, numbers, length, stride) == chosen


@dataclass(frozen=True)
class LateVideo:
    """A video that answers once another one is asked, too."""

    path: Path
    others: threading.Barrier = field(default_factory=lambda: threading.Barrier(1))
    broken: bool = False
    topic: str = ''

    def duration(self) -> float:
        self.others.wait(timeout=20)
        if self.broken:
            raise VideoError(f'{self.path} cannot be read: the transfer broke')
        return 250.0

    def fingerprint(self) -> str:
        return self.path.stem

    def windows(self, length: float) -> Sequence[int]:
        return range(3)


def test_several_videos_are_asked_at_once_and_kept_in_their_order(tmp_path: Path) -> None:
    others = threading.Barrier(4)
    videos = [LateVideo(Path(f's3:/bucket/{n}.mp4'), others, broken=n == 1) for n in range(8)]

    found, broken = video_parts(videos, tmp_path, 'detector', 5.0, 600)  # type: ignore[arg-type]

    assert [video.source.path.stem for video in found] == list('0234567')
    assert len({part.file for video in found for part in video.parts}) == 7 * 3
    assert len({part.file.parent for video in found for part in video.parts}) == 7
    assert [part.frames for part in found[0].parts] == [600, 600, 50]
    # The last part has all that the video shows after its stored duration.
    spans = [(part.start, part.stop) for part in found[0].parts]
    assert spans == [(0, 120), (120, 240), (240, math.inf)]
    assert broken == [(Path('s3:/bucket/1.mp4'), '1.mp4 cannot be read: the transfer broke')]


def test_a_result_is_of_one_topic_detector_rate_and_number_of_frames(tmp_path: Path) -> None:
    def file(topic: str = '', detector: str = 'red', rate: float = 5.0, frames: int = 600) -> Path:
        videos = [LateVideo(Path('a.bag'), topic=topic)]
        [video], _ = video_parts(videos, tmp_path, detector, rate, frames)  # type: ignore[arg-type]
        return video.parts[0].file

    files = {file(), file('/b'), file(detector='red 2'), file(rate=4.0), file(frames=500)}
    assert len(files) == 5
