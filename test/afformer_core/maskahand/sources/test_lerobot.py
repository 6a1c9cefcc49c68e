# SPDX-License-Identifier: Apache-2.0
"""Episodes of a LeRobot dataset that share files are videos of their own."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.maskahand.sources import find_sources, open_source
from afformer_core.maskahand.sources.video_part import VideoPart


def test_episodes_are_mined_one_by_one(
    red: ModuleType, lerobot_dataset: Path, tmp_path: Path
) -> None:
    settings = MiningSettings(rate=5.0, clip_frames=5, stride=5, part_frames=8)
    mining = Mining(find_sources([lerobot_dataset]), red.RedHands, tmp_path, settings)
    list(mining.detect())

    index = mining.index()

    assert index.broken == ()
    assert [video.topic for video in index.videos] == ['t=0.0,4.0', 't=4.0,7.5', 't=0.0,3.0']
    assert [len(video.times) for video in index.videos] == [20, 18, 15]
    assert [video.times[:2] for video in index.videos] == [(0.0, 0.2)] * 3
    in_contact = [
        [video.times[n] for n, hands in video.hands.items() if hands[0].contact]
        for video in index.videos
    ]
    assert in_contact == [[2.0, 2.2, 2.4, 2.6, 2.8], [1.0, 1.2, 1.4, 1.6, 1.8], []]
    second = index.videos[1]
    images = open_source(second.path, second.topic).at([0.0, 1.4])
    assert (images == open_source(second.path).at([4.0, 5.4])).all()
    assert images.dtype == np.uint8


def test_a_dataset_whose_episodes_are_missing_is_told(
    lerobot_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / 'meta').mkdir()
    (tmp_path / 'meta' / 'info.json').write_bytes(
        (lerobot_dataset / 'meta/info.json').read_bytes()
    )
    found = find_sources([tmp_path])
    assert found.sources == ()
    [(path, reason)] = found.broken
    assert path == tmp_path
    assert 'is damaged: ValueError: meta/episodes holds no Parquet file' in reason


@pytest.mark.parametrize('topic', ['t=3', 't=2.0,1.0', 't=a,b', 't=-1,2'])
def test_no_part_is_told(topic: str) -> None:
    with pytest.raises(VideoError, match=r'expected (t=BEGIN,END|a begin of at least 0 s)'):
        VideoPart.of_topic(Path('a.mp4'), topic)
