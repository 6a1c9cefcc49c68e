# SPDX-License-Identifier: Apache-2.0
"""Manifests that people write: what their samples are, and mistakes in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.offline.data.annotations import open_annotations

HEADER = {'manifest': 1, 'actions': ['turn', 'press'], 'licence': 'CC-BY-4.0', 'source': 'lab'}
POINTS = {'clip': 'a.mp4', 'target': 'stove.png', 'action': 'press', 'points': [[10, 20.5]]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`stove.png` of 64x48, and masks of it: a square with a hole, an empty one, a smaller one."""
    PIL.Image.new('RGB', (64, 48)).save(tmp_path / 'stove.png')
    mask = np.zeros((48, 64), np.uint8)
    mask[10:31, 20:41] = 255
    mask[18:23, 28:33] = 0
    PIL.Image.fromarray(mask).save(tmp_path / 'ring.png')
    PIL.Image.new('L', (64, 48)).save(tmp_path / 'empty.png')
    PIL.Image.new('L', (32, 24), 255).save(tmp_path / 'small.png')
    PIL.Image.new('RGB', (64, 48), 'white').save(tmp_path / 'colours.png')
    return tmp_path


def write(folder: Path, *lines: Any, name: str = 'pairs.jsonl') -> Path:
    path = folder / name
    path.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    return path


def test_a_row_of_points_is_a_sample(folder: Path) -> None:
    dataset = open_annotations(write(folder, HEADER, POINTS))

    (sample,) = dataset
    assert dataset.action_names == ('turn', 'press')
    assert sample.sample_id == 'a.mp4 on stove.png'
    assert sample.video_path == folder / 'a.mp4'
    assert sample.image_path == folder / 'stove.png'
    assert sample.image_size == (64, 48)
    assert sample.actions == (1,)
    assert sample.points[0].tolist() == [[10, 20.5]]
    assert sample.masks == ()
    assert sample.origin == Origin('lab', 'CC-BY-4.0')


def test_the_root_keeps_its_spelling_and_a_path_out_of_it_is_tidied(folder: Path) -> None:
    root = folder / 'lost/../videos'
    row = {**POINTS, 'clip': '../a.mp4', 'target': 'stove.png', 'target_size': [64, 48]}

    (sample,) = open_annotations(write(folder, HEADER, row), root)

    assert sample.image_path == root / 'stove.png'
    assert sample.video_path == folder / 'a.mp4'


def test_a_row_tells_its_own_licence_and_what_else_is_known(folder: Path) -> None:
    scene = {
        'id': 'kitchen',
        'element': 0,
        'polygons': [[[1, 2], [3, 2], [3, 4]]],
        'kinds': ['knob'],
        'in_view': [True],
    }
    row = {
        **POINTS,
        'id': 'first',
        'object': 'stove-7',
        'licence': 'MIT',
        'source': 'elsewhere',
        'clip_seconds': [1.5, 4],
        'target_size': [128, 96],
        'contact_frames': [3, 9],
        'contact_points': [[0.25, 0.5], None],
        'scene': scene,
    }

    (sample,) = open_annotations(write(folder, HEADER, row))

    assert (sample.sample_id, sample.object_id) == ('first', 'stove-7')
    assert sample.origin == Origin('elsewhere', 'MIT')
    assert (sample.clip, sample.contact) == ((1.5, 4), (3, 9))
    assert sample.image_size == (128, 96)
    assert sample.contact_points == ((0.25, 0.5), None)
    assert sample.scene is not None
    assert (sample.scene.scene_id, sample.scene.kinds) == ('kitchen', ('knob',))
    assert sample.scene.polygons[0].tolist() == [[1, 2], [3, 2], [3, 4]]


@pytest.mark.parametrize(
    ('geometry', 'inside', 'outside'),
    [
        ({'boxes': [[10, 10, 20, 20], [40, 30, 50, 40]]}, (45, 35), (30, 25)),
        ({'polygons': [[[10, 10], [30, 10], [10, 30]]]}, (12, 12), (29, 29)),
        (
            {
                'polygons': [[[5, 5], [45, 5], [45, 45], [5, 45]]],
                'holes': [[[20, 20], [30, 20], [30, 30], [20, 30]]],
            },
            (10, 10),
            (25, 25),
        ),
        ({'mask': 'ring.png'}, (22, 12), (30, 20)),
    ],
)
def test_a_region_is_a_mask_with_points_evenly_in_it(
    folder: Path,
    geometry: dict[str, Any],
    inside: tuple[float, float],
    outside: tuple[float, float],
) -> None:
    row = {'clip': 'a.mp4', 'target': 'stove.png', 'action': 'press', **geometry}

    (sample,) = open_annotations(write(folder, row))

    (mask,) = sample.masks
    assert mask is not None
    assert mask.contains(np.array([inside, outside], float)).tolist() == [True, False]
    assert 60 <= len(sample.points[0]) <= 256
    assert mask.contains(sample.points[0]).all()


def test_points_in_a_mask_are_kept(folder: Path) -> None:
    (sample,) = open_annotations(write(folder, {**POINTS, 'mask': 'ring.png'}))

    assert sample.points[0].tolist() == [[10, 20.5]]
    assert sample.masks[0] is not None


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'clip': None}, "has no 'clip'"),
        ({'target': ''}, "target is ''; expected text"),
        ({'colour': 'red'}, "an unknown field 'colour'; expected only clip, target, action"),
        ({'points': None}, 'none of points, boxes, polygons and mask'),
        ({'points': []}, r'points is \[\]; expected a list of at least 1'),
        ({'points': [[1, 2, 3]]}, r'points is \[1, 2, 3\]; expected a list of 2 numbers'),
        ({'points': [[1, '2']]}, "points is '2'; expected a finite number"),
        ({'points': [[1, float('nan')]]}, 'points is nan; expected a finite number'),
        ({'points': [[64, 2]]}, r'the point \(64, 2\) lies outside of stove.png, which is 64x48'),
        ({'points': [[3, -1]]}, r'the point \(3, -1\) lies outside'),
        ({'boxes': [[1, 2, 3]]}, 'expected a list of 4 numbers'),
        ({'boxes': [[5, 2, 3, 9]]}, 'expected left < right and top < bottom'),
        ({'boxes': [[70, 2, 90, 9]]}, 'lies outside of the image of 64x48'),
        ({'polygons': [[[1, 2], [3, 4]]]}, 'expected a list of at least 3'),
        ({'boxes': [[1, 2, 3, 4]], 'mask': 'ring.png'}, 'it has boxes and mask. Keep one'),
        ({'holes': [[[1, 2], [3, 4], [1, 4]]]}, 'holes without polygons'),
        ({'mask': 'lost.png'}, r'the mask .*lost.png does not exist'),
        ({'mask': 'empty.png'}, 'no pixel of the mask is set'),
        ({'mask': 'small.png'}, r'small.png is 32x24; expected 64x48'),
        ({'mask': 'colours.png'}, 'has the mode RGB; expected one channel'),
        ({'target': 'lost.png'}, 'lost.png does not exist; expected an image'),
        ({'target_size': [64]}, 'expected a list of 2 numbers'),
        ({'target_size': [64, 0]}, 'target_size is 0; expected a whole number of at least 1'),
        ({'action': 'fly'}, "action is 'fly'; expected one of turn, press"),
        ({'clip_seconds': [4, 2]}, 'a clip goes from 4.0 s to 2.0 s'),
        ({'licence': 'A\nB'}, 'expected a name of one line'),
        ({'scene': {'id': 'kitchen'}}, "has no 'element'"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(
    folder: Path, change: dict[str, Any], expected: str
) -> None:
    path = write(folder, HEADER, POINTS, {**POINTS, 'id': 'second', **change})

    with pytest.raises(DatasetError, match=rf'line 3 of .*pairs.jsonl.*{expected}'):
        open_annotations(path)


def test_rows_of_one_sample_may_not_tell_otherwise_of_it(folder: Path) -> None:
    path = write(folder, POINTS, {**POINTS, 'action': 'turn', 'licence': 'MIT'})

    with pytest.raises(DatasetError, match=r'line 2 of .* contradicts line 1 of'):
        open_annotations(path)


def test_points_outside_are_read_where_the_header_says_so(folder: Path) -> None:
    row = {**POINTS, 'points': [[100, 2], [1, 2]]}

    (sample,) = open_annotations(write(folder, {'manifest': 1, 'points_outside': True}, row))

    assert sample.points[0].tolist() == [[100, 2], [1, 2]]


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('', 'has no row'),
        ('{"manifest": 1}\n', 'has no row'),
        ('{"manifest": 2}\n', 'line 1 of .* the version is 2; expected 1'),
        ('{"manifest": 1, "licenses": 3}\n', "the header has an unknown field 'licenses'"),
        ('{"manifest": 1, "actions": ["a", "a"]}\n', "actions name 'a' twice"),
        ('\n[1]\n', r'line 2 of .* it is \[1\]; expected an object'),
        ('{"clip": "a.mp4",\n', 'line 1 of .* is not JSON'),
    ],
)
def test_a_wrong_file_is_an_error(folder: Path, text: str, expected: str) -> None:
    (folder / 'pairs.jsonl').write_text(text)

    with pytest.raises(DatasetError, match=expected):
        open_annotations(folder / 'pairs.jsonl')
