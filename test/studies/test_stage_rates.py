# SPDX-License-Identifier: Apache-2.0
"""Rates of one core, on tiny videos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType

from afformer_core.hands.detector import HandDetector
from afformer_core.hands.hand import Hand
from afformer_core.media.video import VideoFrame
from studies.moving_scene import CODECS, write_moving_scene
from studies.stage_rates import stage_rates, video_name


class Counting(HandDetector):
    """A detector that counts what it sees."""

    name, interaction_score, least_rate = 'counting', 0.5, 0.0

    def __init__(self) -> None:
        self.frames: list[tuple[int, ...]] = []

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        for frame in frames:
            self.frames.append(frame.image.shape)
            yield ()


@pytest.fixture(scope='module')
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp('videos')
    return [write_moving_scene(folder / f'{codec}.mp4', codec, 4.0, (160, 96)) for codec in CODECS]


def test_each_stage_has_a_rate(videos: list[Path]) -> None:
    detector = Counting()

    table = stage_rates(videos, {'counting': detector}, frames=5, clips=2, images=3)

    assert list(table.rows) == [
        'decoding, h264 160x96',
        'clips at random, h264 160x96',
        'decoding, hevc 160x96',
        'clips at random, hevc 160x96',
        'detection, counting',
        'target images without hands',
    ]
    assert all(isinstance(rate, float) and rate > 0 for rate, _ in table.rows.values())
    # Two that are not counted come first.
    assert detector.frames == [(96, 160, 3)] * 7


def test_the_videos_are_encoded_as_those_of_the_web(videos: list[Path]) -> None:
    assert [video_name(video) for video in videos] == ['h264 160x96', 'hevc 160x96']
    for video in videos:
        with av.open(str(video)) as container:
            frames = [
                (frame.time, PictureType(frame.pict_type).name)
                for frame in container.decode(video=0)
            ]
        assert len(frames) == 120
        assert frames[-1][0] == pytest.approx(119 / 30, abs=0.01)
        # B-frames are among them, some of which can be skipped.
        assert {kind for _, kind in frames} == {'I', 'P', 'B'}
