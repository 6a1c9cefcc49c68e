# SPDX-License-Identifier: Apache-2.0
"""Pairs of several folders in one list: their names, folders and sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from afformer_core.offline.data.readers.pooled_part_pairs import read_pooled_pairs

PAIR = {
    'clip': 'clip.mp4',
    'target': 'target.png',
    'target_size': [64, 48],
    'parts': [[[10, 20], [30, 20], [30, 40]]],
    'action': 'pull',
    'id': 'drawer',
    'source_video': 'tour',
}


def write(folder: Path, *changes: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / 'pairs.json').write_text(json.dumps([{**PAIR, **change} for change in changes]))
    return folder


def test_ids_that_collide_get_the_name_of_their_folder(tmp_path: Path) -> None:
    first = write(tmp_path / 'kitchens', {}, {'id': 'door', 'repository': 'someone/tours'})
    second = write(tmp_path / 'workshops', {})

    pairs = read_pooled_pairs([first, second])

    assert [(pair.sample.sample_id, pair.folder, pair.source) for pair in pairs] == [
        ('kitchens/drawer', 'kitchens', 'kitchens'),
        ('kitchens/door', 'kitchens', 'someone/tours'),
        ('workshops/drawer', 'workshops', 'workshops'),
    ]
    assert pairs[0].group != pairs[2].group
    assert pairs[2].sample.image_path == second / 'target.png'


def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path: Path) -> None:
    folders = [write(tmp_path / name / 'pairs', {}) for name in ('kitchens', 'workshops')]
    pairs = read_pooled_pairs(folders)
    assert [pair.folder for pair in pairs] == ['kitchens/pairs', 'workshops/pairs']
    assert [pair.source for pair in pairs] == ['kitchens/pairs', 'workshops/pairs']


def test_the_pairs_of_one_folder_keep_their_ids(tmp_path: Path) -> None:
    (pair,) = read_pooled_pairs([write(tmp_path / 'kitchens', {})])
    assert (pair.sample.sample_id, pair.folder, pair.source) == ('drawer', 'kitchens', 'kitchens')


def test_a_folder_that_is_given_twice_is_an_error(tmp_path: Path) -> None:
    folder = write(tmp_path / 'kitchens', {})
    with pytest.raises(ValueError, match=r'kitchens is given twice. Give different folders'):
        read_pooled_pairs([folder, tmp_path / 'kitchens' / '..' / 'kitchens'])
