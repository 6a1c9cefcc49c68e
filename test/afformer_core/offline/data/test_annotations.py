# SPDX-License-Identifier: Apache-2.0
"""Each dataset is known by what its annotation file holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.offline.data.annotations import annotating_files, open_annotations

OPRA = {
    'image_path': 'a.jpg',
    'video_path': 'a.mp4',
    'width': 8,
    'height': 8,
    'actions': [1],
    'heatmaps': [[[1, 2]]],
}
EPIC = {
    'verbs': ['take', 'open'],
    'nouns': ['cup'],
    'train_clips': [{'v_id': 'P01_01', 'start': 1, 'stop': 61, 'verb': 0, 'noun': 0}],
    'train_images': [
        {'image': ['a.jpg'], 'verb': 0, 'noun': 0, 'points': [[1, 2]], 'shape': [8, 8]}
    ],
    'test_clips': [{'v_id': 'P02_01', 'start': 1, 'stop': 61, 'verb': 1, 'noun': 0}],
    'test_images': [
        {'image': ['b.jpg'], 'verb': 1, 'noun': 0, 'points': [[1, 2]], 'shape': [8, 8]}
    ],
}
LINE = 'channel 1 2 3.5 6 9 8 8 1 ' + ' '.join(['4'] * 20)


def written(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_list_is_opra(tmp_path: Path) -> None:
    dataset = open_annotations(written(tmp_path, 'test.json', [OPRA]))
    assert dataset[0].origin == Origin('OPRA')
    assert dataset[0].image_path == tmp_path / 'a.jpg'


def test_text_is_opra(tmp_path: Path) -> None:
    dataset = open_annotations(written(tmp_path, 'test.txt', LINE), tmp_path / 'media')
    assert dataset[0].video_path == tmp_path / 'media/clips/channel/1/2/3.5_6.mp4'


@pytest.mark.parametrize(('split', 'action'), [('train', 0), ('test', 1)])
def test_verbs_are_epic_hotspot(tmp_path: Path, split: str, action: int) -> None:
    dataset = open_annotations(written(tmp_path, 'annotations.json', EPIC), split=split)
    assert dataset[0].origin.source == 'EPIC-Hotspot'
    assert dataset[0].actions == (action,)


def test_other_objects_are_assistq(tmp_path: Path) -> None:
    path = written(tmp_path, 'train.json', {'fryer': []})
    with pytest.raises(DatasetError, match='has no folder fryer'):
        open_annotations(path)


def test_the_tables_of_your_own_pairs_annotate_a_folder(tmp_path: Path) -> None:
    names = (
        'actions.txt',
        'kettle/points.csv',
        'tap/points.csv',
        'tap/images/a.jpg',
        'pairs.json',
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert annotating_files(tmp_path) == [tmp_path / names[n] for n in (1, 2, 4)]
    assert annotating_files(tmp_path / 'pairs.json') == [tmp_path / 'pairs.json']
    assert annotating_files(tmp_path / 'absent.json') == []
