# SPDX-License-Identifier: Apache-2.0
"""Division of videos into parts, of which a bucket is asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.offline.maskahand.mining.video_parts import video_parts


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
