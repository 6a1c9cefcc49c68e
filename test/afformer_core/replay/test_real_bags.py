# SPDX-License-Identifier: Apache-2.0
"""Recordings of a Spot robot, one message a topic, in every storage and encoding of theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.media.bag import Bag, BagError, BagExtract
from afformer_core.messages.image_decoding import to_depth
from afformer_core.replay.demonstrations import ReplayDemonstrations
from afformer_core.replay.replay import ReplayRequest, write_replay
from afformer_core.replay.topics import ReplayTopics
from afformer_core.stream.settings import PipelineSettings

# Its cameras took turns.
SETTINGS = PipelineSettings(
    minimum_presence=0,
    minimum_confidence=0,
    minimum_feature_similarity=-1,
    depth_tolerance=3.0,
)


@pytest.fixture
def replay(
    test_data: Path, demonstrations: ReplayDemonstrations, tmp_path: Path
) -> Callable[[str, str, str], dict[str, Any]]:
    def replay(name: str, image: str, depth: str) -> dict[str, Any]:
        with Bag(test_data / 'bags' / name) as bag:
            topics = ReplayTopics(image, '', depth, '')
            request = ReplayRequest(
                topics=topics,
                demonstration=demonstrations.selected,
                window=BagExtract(),
                settings=SETTINGS,
                annotations=None,
                calibration=None,
                facts={},
                depth_wait=3.0,
            )
            return write_replay(bag, request, demonstrations.predict, tmp_path, lambda _: None)

    return replay


@pytest.mark.parametrize('name', ['spot_mcap', 'spot_sqlite3'])
@pytest.mark.parametrize(
    'image',
    ['camera/hand_color', 'camera/hand_mono', 'camera/frontleft', 'depth/frontleft'],
)
def test_every_raw_topic_is_an_image(
    replay: Callable[[str, str, str], dict[str, Any]], name: str, image: str
) -> None:
    summary = replay(name, f'/spot/{image}/image', '/spot/depth/frontleft/image')
    assert summary['states'] == {'found': 1}
    assert summary['positions'] == 0
    (problem,) = summary['problems']
    assert problem['example'] == 'no camera_info topic is replayed'


@pytest.mark.parametrize(
    'image',
    ['camera/hand_color', 'camera/hand_mono', 'camera/frontleft', 'depth/frontleft'],
)
def test_every_compressed_topic_is_an_image(
    replay: Callable[[str, str, str], dict[str, Any]], image: str
) -> None:
    depth = '/spot/depth/frontleft/image/compressed'
    summary = replay('spot_compressed', f'/spot/{image}/image/compressed', depth)
    assert summary['states'] == {'found': 1}


def test_compressed_depth_is_no_image_and_says_so(
    replay: Callable[[str, str, str], dict[str, Any]],
) -> None:
    with pytest.raises(BagError, match=r'compressedDepth.* is depth; send a colour image'):
        replay('spot_compressedDepth', '/spot/depth/frontleft/image/compressedDepth', '')


@pytest.mark.parametrize(
    ('name', 'topic', 'farthest'),
    [
        ('spot_compressedDepth', '/spot/depth/frontleft/image/compressedDepth', 4.820),
        ('spot_compressed', '/spot/depth/frontleft/image/compressed', None),
        ('spot_mcap', '/spot/depth/frontleft/image', None),
        ('spot_sqlite3', '/spot/depth/frontleft/image', None),
    ],
)
def test_every_depth_topic_is_depth(
    test_data: Path, name: str, topic: str, farthest: float | None
) -> None:
    with Bag(test_data / 'bags' / name) as bag:
        (message,) = bag.messages((topic,), bag.start, bag.end)
        depth = to_depth(bag.decode(message))
    assert depth.values.shape == (240, 424)
    assert depth.frame_id == 'frontleft'
    assert 0.1 < np.nanmin(depth.values) < np.nanmax(depth.values) < 10
    if farthest is not None:
        assert np.nanmax(depth.values) == pytest.approx(farthest)
