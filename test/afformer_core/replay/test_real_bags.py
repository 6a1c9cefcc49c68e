# SPDX-License-Identifier: Apache-2.0
"""Recordings of a Spot robot, one message a topic, in every storage and encoding of theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.media.bag import BagError
from afformer_core.replay.topics import ReplayTopics

from .conftest import SETTINGS, Replayer

# Its cameras took turns.
PATIENT = {'settings': replace(SETTINGS, depth_tolerance=3.0), 'depth_wait': 3.0}


@pytest.mark.parametrize(
    ('name', 'ending'),
    [('spot_mcap', ''), ('spot_sqlite3', ''), ('spot_compressed', '/compressed')],
)
@pytest.mark.parametrize(
    'image', ['camera/hand_color', 'camera/hand_mono', 'camera/frontleft', 'depth/frontleft']
)
def test_every_topic_is_an_image(
    replay: Replayer, test_data: Path, tmp_path: Path, name: str, ending: str, image: str
) -> None:
    depth = f'/spot/depth/frontleft/image{ending}'
    topics = ReplayTopics(f'/spot/{image}/image{ending}', '', depth, '')
    bag = test_data / 'bags' / name
    summary = replay(tmp_path / 'out', bag, topics=topics, **PATIENT).summary
    assert summary['states'] == {'found': 1}
    assert summary['positions'] == 0
    (problem,) = summary['problems']
    assert problem['example'] == 'no camera_info topic is replayed'


def test_compressed_depth_is_no_image_and_says_so(
    replay: Replayer, test_data: Path, tmp_path: Path
) -> None:
    topics = ReplayTopics('/spot/depth/frontleft/image/compressedDepth', '', '', '')
    with pytest.raises(BagError, match=r'compressedDepth.* is depth; send a colour image'):
        replay(tmp_path / 'out', test_data / 'bags' / 'spot_compressedDepth', topics=topics)
