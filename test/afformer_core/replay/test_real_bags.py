# SPDX-License-Identifier: Apache-2.0
"""Recordings of a Spot robot, one message a topic, in every storage and encoding of theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afformer_core.media.bag import Bag, BagError, BagExtract
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


@pytest.mark.parametrize(
    ('name', 'ending'),
    [('spot_mcap', ''), ('spot_sqlite3', ''), ('spot_compressed', '/compressed')],
)
@pytest.mark.parametrize(
    'image',
    ['camera/hand_color', 'camera/hand_mono', 'camera/frontleft', 'depth/frontleft'],
)
def test_every_topic_is_an_image(
    replay: Callable[[str, str, str], dict[str, Any]], name: str, ending: str, image: str
) -> None:
    depth = f'/spot/depth/frontleft/image{ending}'
    summary = replay(name, f'/spot/{image}/image{ending}', depth)
    assert summary['states'] == {'found': 1}
    assert summary['positions'] == 0
    (problem,) = summary['problems']
    assert problem['example'] == 'no camera_info topic is replayed'


def test_compressed_depth_is_no_image_and_says_so(
    replay: Callable[[str, str, str], dict[str, Any]],
) -> None:
    with pytest.raises(BagError, match=r'compressedDepth.* is depth; send a colour image'):
        replay('spot_compressedDepth', '/spot/depth/frontleft/image/compressedDepth', '')
