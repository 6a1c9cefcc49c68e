# SPDX-License-Identifier: Apache-2.0
"""Pairs with outlined parts and clips with marked contacts: what is read, and mistakes in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.contact_clips import ContactClip, read_contact_clips
from afformer_core.offline.data.readers.part_pairs import (
    ClipPoint,
    PartPairsDataset,
    read_pooled_pairs,
)

LEAST = {
    'clip': 'clips/pull.mp4',
    'target': 'targets/kitchen.png',
    'parts': [[[10, 20], [30, 20], [30, 40], [10, 40]]],
    'action': 'pull',
}
FULL = {
    **LEAST,
    'id': 'drawer',
    'accepted_actions': ['pull', 'hold'],
    'kind': 'other-scene',
    'parts': [[[1, 2], [3, 2], [3, 4]], [[5.5, 6], [7, 6], [7, 8], [5, 8]]],
    'before': {'frame': 2, 'x': 12, 'y': 13.5},
    'contact': {'frame': 9, 'x': 11, 'y': 14},
    'clip_size': [64, 48],
    'target_size': [128, 96],
    'source_video': 'kitchen_tour',
    'repository': 'someone/kitchens',
    'licence': 'CC0',
}


def write(folder: Path, *pairs: Any) -> Path:
    """`pairs.json`, and a target of 64x48 pixels."""
    (folder / 'targets').mkdir(parents=True, exist_ok=True)
    PIL.Image.new('RGB', (64, 48)).save(folder / 'targets/kitchen.png')
    (folder / 'pairs.json').write_text(json.dumps(pairs))
    return folder


def test_a_pair_has_all_that_is_told_of_it(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path, FULL))
    assert isinstance(dataset, PartPairsDataset)
    (pair,) = dataset.pairs
    assert pair.sample.sample_id == 'drawer'
    assert pair.sample.video_path == tmp_path / 'clips/pull.mp4'
    assert pair.sample.image_path == tmp_path / 'targets/kitchen.png'
    assert pair.sample.image_size == (128, 96)
    assert [part.tolist() for part in pair.parts] == FULL['parts']
    assert pair.accepted_actions == ('pull', 'hold')
    assert (pair.kind, pair.source_video) == ('other-scene', 'kitchen_tour')
    assert (pair.folder, pair.source) == (tmp_path.name, 'someone/kitchens')
    assert pair.before == ClipPoint(2, 12.0, 13.5)
    assert pair.contact == ClipPoint(9, 11.0, 14.0)
    assert dataset.action_names == ('pull',)


def test_clip_target_parts_and_action_are_enough(tmp_path: Path) -> None:
    (pair,) = PartPairsDataset(write(tmp_path, LEAST)).pairs
    assert pair.sample.sample_id == 'clips/pull.mp4 on targets/kitchen.png'
    assert pair.sample.image_size == (64, 48)
    assert pair.accepted_actions == ('pull',)
    assert (pair.kind, pair.source_video) == ('', 'clips/pull.mp4')
    assert pair.marked is None
    assert pair.group == (tmp_path.name, 'clips/pull.mp4')


def test_the_bare_point_is_marked_rather_than_the_covered_one(tmp_path: Path) -> None:
    contact_alone = {name: value for name, value in FULL.items() if name != 'before'}
    bare, covered = PartPairsDataset(
        write(tmp_path, FULL, {**contact_alone, 'id': 'covered'})
    ).pairs
    assert bare.marked == ClipPoint(2, 12.0, 13.5)
    assert covered.marked == ClipPoint(9, 11.0, 14.0)


def test_the_points_of_a_sample_are_in_its_part(tmp_path: Path) -> None:
    (sample,) = PartPairsDataset(write(tmp_path, LEAST))
    assert sample.points[0].tolist() == [[20, 30], [15, 25], [25, 25], [25, 35], [15, 35]]


def test_the_points_of_a_part_that_is_cut_off_may_lie_outside(tmp_path: Path) -> None:
    part = [[50, 10], [90, 10], [90, 40], [50, 40]]
    (sample,) = open_annotations(write(tmp_path, {**LEAST, 'parts': [part]}))
    assert sample.points[0][0].tolist() == [70, 25]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'clip': None}, r'pair 1 of .*pairs.json \(drawer\): clip is None; expected text'),
        ({'parts': []}, r'parts is \[\]; expected a list of at least 1'),
        (
            {'parts': [[[200, 2], [300, 2], [300, 9]]]},
            r'a part from \[200.0, 2.0\] to \[300.0, 9.0\] lies outside the target of 128x96',
        ),
        ({'accepted_actions': ['hold']}, r"\['hold'\]; expected 'pull' among texts"),
        (
            {'before': {'frame': 2, 'x': 70, 'y': 1}},
            r'before is \(70, 1\); expected a pixel of the clip of 64x48',
        ),
        (
            {'before': {'frame': -1, 'x': 7, 'y': 1}},
            'frame of before is -1; expected a whole number of at least 0',
        ),
        ({'target_size': [128, 0]}, 'target_size is 0; expected a whole number of at least 1'),
        ({'id': 'first'}, 'another sample is named first'),
    ],
)
def test_a_malformed_pair_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    folder = write(tmp_path, {**FULL, 'id': 'first'}, {**FULL, **change})
    with pytest.raises(DatasetError, match=message):
        PartPairsDataset(folder)


@pytest.mark.parametrize('missing', ['clip', 'target', 'parts', 'action'])
def test_what_is_needed_and_missing_is_named(tmp_path: Path, missing: str) -> None:
    folder = write(tmp_path, {name: value for name, value in FULL.items() if name != missing})
    with pytest.raises(DatasetError, match=rf"pair 0 of .* \(drawer\) has no '{missing}'"):
        PartPairsDataset(folder)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{', 'is not JSON'),
        ('{}', 'must hold a list of at least one pair'),
        ('[]', 'must hold a list of at least one pair'),
        ('["drawer"]', "pair 0 of .* is 'drawer'; expected an object"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / 'pairs.json').write_text(content)
    with pytest.raises(DatasetError, match=message):
        PartPairsDataset(tmp_path)


def test_pairs_of_several_folders_get_the_shortest_names_that_differ(tmp_path: Path) -> None:
    unnamed = {**LEAST, 'id': 'drawer'}
    first = write(tmp_path / 'kitchens', unnamed, {**FULL, 'id': 'door'})
    second = write(tmp_path / 'workshops', unnamed)
    (alone,) = read_pooled_pairs([second])
    assert (alone.sample.sample_id, alone.folder) == ('drawer', 'workshops')

    pairs = read_pooled_pairs([first, second])

    assert [(pair.sample.sample_id, pair.folder, pair.source) for pair in pairs] == [
        ('kitchens/drawer', 'kitchens', 'kitchens'),
        ('kitchens/door', 'kitchens', 'someone/kitchens'),
        ('workshops/drawer', 'workshops', 'workshops'),
    ]
    below = [write(tmp_path / name / 'pairs', unnamed) for name in ('kitchens', 'workshops')]
    assert [pair.folder for pair in read_pooled_pairs(below)] == [
        'kitchens/pairs',
        'workshops/pairs',
    ]
    with pytest.raises(ValueError, match=r'kitchens is given twice. Give different folders'):
        read_pooled_pairs([first, tmp_path / 'kitchens' / '..' / 'kitchens'])


LEAST_CLIP = {'clip': 'clips/open.mp4', 'contact': {'frame': 45, 'x': 290, 'y': 45.5}}
FULL_CLIP = {
    **LEAST_CLIP,
    'id': 'drawer_1',
    'before': {'frame': 3, 'x': 292, 'y': 48},
    'clip_rate': 30,
    'other_hand': [{'hand': 'left', 'frame': 12, 'x': 120, 'y': 200}],
    'source_video': 'kitchen_tour',
    'repository': 'someone/kitchens',
    'in_pairs_json': True,
    'note': 'for people',
}


def write_clips(folder: Path, *clips: Any) -> Path:
    (folder / 'clips.json').write_text(json.dumps(clips))
    return folder


def test_a_clip_has_all_that_is_told_of_it(tmp_path: Path) -> None:
    (clip,) = read_contact_clips(write_clips(tmp_path, FULL_CLIP))
    assert clip == ContactClip(
        'drawer_1',
        tmp_path / 'clips/open.mp4',
        ClipPoint(45, 290.0, 45.5),
        ClipPoint(3, 292.0, 48.0),
        (ClipPoint(12, 120.0, 200.0),),
        30.0,
        'someone/kitchens',
        'kitchen_tour',
        True,
    )
    assert clip.moment == 1.5
    assert clip.marked == ClipPoint(3, 292.0, 48.0)


def test_clip_and_contact_are_enough(tmp_path: Path) -> None:
    folder = tmp_path / 'marked'
    folder.mkdir()
    (clip,) = read_contact_clips(write_clips(folder, LEAST_CLIP))
    assert (clip.name, clip.source_video) == ('clips/open.mp4', 'clips/open.mp4')
    assert (clip.source, clip.moment, clip.is_in_pairs) == ('marked', None, False)
    assert clip.marked == ClipPoint(45, 290.0, 45.5)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'clip': ''}, r'clip 1 of .*clips.json \(drawer_1\): clip is \'\'; expected text'),
        ({'contact': None}, r'clip 1 of .*clips.json \(drawer_1\):'),
        ({'before': {'frame': 1, 'y': 1}}, "has no 'x'"),
        ({'clip_rate': 0}, 'clip_rate is 0.0; expected frames per second above 0'),
        ({'id': 'first'}, 'another clip is named first'),
    ],
)
def test_a_malformed_clip_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    folder = write_clips(tmp_path, {**FULL_CLIP, 'id': 'first'}, {**FULL_CLIP, **change})
    with pytest.raises(DatasetError, match=message):
        read_contact_clips(folder)


@pytest.mark.parametrize('content', ['{}', '[]'])
def test_a_file_without_clips_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / 'clips.json').write_text(content)
    with pytest.raises(DatasetError, match=r'clips.json must hold a list of at least one clip'):
        read_contact_clips(tmp_path)
