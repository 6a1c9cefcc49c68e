# SPDX-License-Identifier: Apache-2.0
"""Clips of a video: where they begin and end, and which show an interaction."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from afformer_core.errors import VideoError
from afformer_core.offline.maskahand.mining.mining import windows_with
from afformer_core.offline.maskahand.mining.video_parts import video_parts


@pytest.mark.parametrize(
    ('count', 'expected'),
    [
        (0, []),
        (1, []),
        (2, [(0, 1)]),
        (31, [(0, 30)]),
        (32, [(0, 31)]),
        (33, [(0, 31), (1, 32)]),
        (48, [(0, 31), (16, 47)]),
        (70, [(0, 31), (16, 47), (32, 63), (38, 69)]),
    ],
)
def test_windows_cover_a_video_and_the_last_ends_with_it(
    count: int, expected: list[tuple[int, int]]
) -> None:
    assert list(windows_with(count, range(count), 32, 16)) == expected


def test_windows_apart_leave_nothing_out_at_the_end() -> None:
    assert windows_with(10, range(10), 3, 5) == ((0, 2), (5, 7), (7, 9))


@pytest.mark.parametrize(
    ('numbers', 'expected'),
    [
        ([], ()),
        ([15], ((0, 31),)),
        ([47, 16], ((0, 31), (16, 47), (32, 63), (38, 69))),
        ([69], ((38, 69),)),
    ],
)
def test_windows_with_an_interaction_at_either_edge(
    numbers: list[int], expected: tuple[tuple[int, int], ...]
) -> None:
    assert windows_with(70, numbers, 32, 16) == expected


@dataclass(frozen=True)
class LateVideo:
    """A video that answers once another one is asked, too."""

    path: Path
    others: threading.Barrier
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
    assert broken == [(Path('s3:/bucket/1.mp4'), '1.mp4 cannot be read: the transfer broke')]
