# SPDX-License-Identifier: Apache-2.0
"""Clips that are read one by one are those that are read at once."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.maskahand.mining.index import HandIndex, read_index
from afformer_core.offline.maskahand.pretraining.stored_clips import StoredClips

from ..mined_videos import interaction_clips, write_index, write_mined


@pytest.mark.parametrize('hidden_score', [None, 0.6])
def test_clips_are_those_of_the_whole_index(tmp_path: Path, hidden_score: float | None) -> None:
    path = write_mined(tmp_path, 40, 8)
    index = read_index(path)
    # Hands come into view in frame 20, where they touch.
    videos = [
        replace(video, hands={frame: video.hands[frame] for frame in range(20, 40)})
        for video in index.videos
    ]
    index = replace(index, videos=tuple(videos))
    write_index(path, index)
    expected = interaction_clips(index, 3, hidden_score)

    stored = StoredClips(path, 3, hidden_score)

    assert list(stored) == expected
    assert stored[-1] == expected[-1]
    assert pickle.loads(pickle.dumps(stored))[4] == expected[4]
    assert any(clip.hand_free for clip in stored) == (hidden_score is not None)
    with pytest.raises(IndexError):
        stored[len(expected)]


def test_an_index_without_an_interaction_is_told(tmp_path: Path) -> None:
    write_index(tmp_path / 'index.json', HandIndex({}, 0.9, ()))
    with pytest.raises(DatasetError, match='no frame of the 0 clips of the index has a hand'):
        StoredClips(tmp_path / 'index.json', 3, None)
