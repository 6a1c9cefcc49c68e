# SPDX-License-Identifier: Apache-2.0
"""An index on disk is the index that was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import DatasetError
from afformer_core.hands.hand import Hand
from afformer_core.maskahand.mining.index import HandIndex, MinedVideo, read_index, write_index

IN_CONTACT = Hand((1.0, 2.0, 30.5, 40.0), True, 0.95, (31.5, 20.0))
IDLE = Hand((1.0, 2.0, 30.5, 40.0), False, 0.5)
VIDEO = {'path': 'a.mp4', 'topic': '', 'size': [64, 48], 'times': [0.0], 'clips': []}


def test_hands_come_back_with_and_without_a_contact_point(tmp_path: Path) -> None:
    video = MinedVideo(
        tmp_path / 'a.mp4', '', (64, 48), (0.0, 0.25, 0.5), {1: (IN_CONTACT, IDLE)}, ((0, 2),)
    )
    index = HandIndex({'rate': 4.0}, 0.9, (video,))
    write_index(tmp_path / 'mined' / 'index.json', index)

    assert read_index(tmp_path / 'mined' / 'index.json') == index


def test_half_of_a_contact_point_is_damage(tmp_path: Path) -> None:
    video = MinedVideo(tmp_path / 'a.mp4', '', (64, 48), (0.0,), {0: (IN_CONTACT,)}, ((0, 0),))
    path = tmp_path / 'index.json'
    write_index(path, HandIndex({}, 0.9, (video,)))
    fields = json.loads(path.read_text())
    fields['videos'][0]['hands']['0'][0].pop()
    path.write_text(json.dumps(fields))

    with pytest.raises(DatasetError, match='is damaged'):
        read_index(path)


@pytest.mark.parametrize(
    'damage',
    [{'settings': 5}, {'videos': [{**VIDEO, 'hands': []}]}],
    ids=['settings', 'hands'],
)
def test_what_is_no_mapping_is_damage(tmp_path: Path, damage: dict[str, Any]) -> None:
    path = tmp_path / 'index.json'
    write_index(path, HandIndex({}, 0.9, ()))
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))

    with pytest.raises(DatasetError, match='is damaged'):
        read_index(path)


def test_a_contact_point_is_finite() -> None:
    with pytest.raises(ValueError, match='contact point of a hand is'):
        Hand((0.0, 0.0, 1.0, 1.0), True, 1.0, (float('nan'), 0.0))
