# SPDX-License-Identifier: Apache-2.0
"""The reader of Ego-Exo4D's correspondences, over a small tree as their own script leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import find_problems
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.media.video import read_video

from ..trees.ego_exo4d import BOWL, EMPTY, MASK, MASKS, TAKE, annotate, write_ego_exo4d


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_ego_exo4d(tmp_path)
    return tmp_path


def test_an_object_of_the_wearer_is_sought_in_another_camera(tree: Path) -> None:
    dataset = open_annotations(tree / 'split.json', split='train')

    (sample,) = dataset
    assert sample.sample_id == f'{TAKE}/stainless bowl_0/cam04'
    assert sample.video_path == tree / f'{TAKE}/aria01_214-1#30-90:30'
    assert sample.image_path == tree / TAKE / 'cam04/60.jpg'
    assert sample.image_size == (96, 54)
    assert sample.object_id == f'{TAKE}/stainless bowl_0'
    assert sample.origin == Origin('Ego-Exo4D', 'Ego4D-license-agreement')
    (mask,) = sample.masks
    assert mask is not None
    inside = mask.contains(np.array([[60, 10], [80, 30], [67, 17], [59, 10]], float))
    assert inside.tolist() == [True, True, False, False]
    assert mask.contains(sample.points[0]).all()
    assert dataset.manifest.left_out == {'not seen by a camera': 1, 'masks of 0 wearers': 1}


def test_the_demonstration_is_every_second_of_the_wearer(tree: Path) -> None:
    dataset = open_annotations(tree / 'split.json', split='train')

    frames = read_video(dataset[0].video_path, 8)

    assert frames[:, 0, 0, 0].tolist() == pytest.approx([30, 60, 90], abs=3)
    assert find_problems(dataset, progress=False) == []


def test_frames_with_an_empty_mask_do_not_show_the_object(tree: Path) -> None:
    wearer = {'0': EMPTY, **BOWL['aria01_214-1'], '150': EMPTY}
    cam04 = {'0': EMPTY, '60': MASK}
    bowl = {'aria01_214-1': wearer, 'cam04': cam04, 'cam01': {'0': EMPTY}}
    annotate(tree, {'stainless bowl_0': bowl})

    dataset = open_annotations(tree / 'split.json', split='train')

    (sample,) = dataset
    assert sample.video_path.name == 'aria01_214-1#30-90:30'
    assert sample.image_path.name == '60.jpg'
    assert dataset.manifest.left_out == {'not seen by a camera': 1}


def test_an_object_of_two_wearers_is_left_out(tree: Path) -> None:
    annotate(tree, {**MASKS, 'pan_0': {**BOWL, 'aria02_214-1': {'0': MASK}}})

    dataset = open_annotations(tree / 'split.json', split='train')

    assert len(dataset) == 1
    assert dataset.manifest.left_out['masks of 2 wearers'] == 1


@pytest.mark.parametrize(
    ('masks', 'expected'),
    [
        ({'pan_0': {'aria01': {'x': MASK}}}, 'pan_0 in .*annotation.json: invalid literal'),
        ({'pan_0': BOWL | {'cam04': {'0': {'size': [54, 96]}}}}, "pan_0 in .* has no 'counts'"),
        ({}, 'split.json contains 0 samples'),
        ([], 'annotation.json: masks is a list; expected an object'),
        ({'pan_0': []}, 'pan_0 in .*: pan_0 is a list; expected an object'),
    ],
)
def test_malformed_masks_are_named(tree: Path, masks: Any, expected: str) -> None:
    annotate(tree, masks)

    with pytest.raises(DatasetError, match=expected):
        open_annotations(tree / 'split.json', split='train')


def test_a_take_that_is_not_there_is_named(tree: Path) -> None:
    (tree / 'split.json').write_text(json.dumps({'train': ['lost-take']}))

    with pytest.raises(DatasetError, match=r'lost-take/annotation.json does not exist'):
        open_annotations(tree / 'split.json', split='train')


@pytest.mark.parametrize(
    ('split', 'expected'), [('test', 'lists no takes of the split test'), ('all', "is 'all'")]
)
def test_an_unknown_split_is_an_error(tree: Path, split: str, expected: str) -> None:
    (tree / 'split.json').write_text(json.dumps({'train': [TAKE]}))

    with pytest.raises(DatasetError, match=expected):
        open_annotations(tree / 'split.json', split=split)
