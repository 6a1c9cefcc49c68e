# SPDX-License-Identifier: Apache-2.0
"""Ego-Exo4D's correspondences, as their own script leaves them, to a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from afformer_core.licences import Origin
from afformer_core.media.video import read_video
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert

TAKE = '44d647ce-72d2-4312-b80c-99faea2d017d'
# A square from (60, 10) to (80, 30) with a hole, in an image of 96x54.
MASK = {
    'size': [54, 96],
    'counts': 'bU3e0Q100000000@TO6l0JTO6l0JTO6l0JTO6l0JTO6l0:00000000000000000000Pi0',
}
EMPTY = {'size': [54, 96], 'counts': 'PR5'}
# Frames are not in their order, and a mask that could not be read is null.
BOWL = {
    'aria01_214-1': {'90': MASK, '30': MASK, '120': None},
    'cam04': {'60': MASK, '30': None, '150': MASK},
    'cam01': {},
}
MASKS: dict[str, Any] = {
    'stainless bowl_0': BOWL,
    'left hand_0': BOWL,
    'right hand_1': BOWL,
    'knife_0': {'cam04': {'0': MASK}},
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write a take with frames at 0, 30, ... 150, a half and a third as large as the masks."""
    root = tmp_path / 'tree'
    root.mkdir()
    takes = {'train': [TAKE], 'val': [], 'test': []}
    (root / 'split.json').write_text(json.dumps(takes))
    for camera, size in (('aria01_214-1', (48, 27)), ('cam04', (32, 18))):
        (root / TAKE / camera).mkdir(parents=True)
        for number in range(0, 180, 30):
            image = PIL.Image.new('L', size, number).convert('RGB')
            image.save(root / TAKE / camera / f'{number}.jpg')
    annotate(root, MASKS)
    return root


def annotate(tree: Path, masks: Any) -> None:
    content = {'masks': masks, 'subsample_idx': list(range(0, 180, 30))}
    (tree / TAKE / 'annotation.json').write_text(json.dumps(content))


def test_an_object_of_the_wearer_is_sought_in_another_camera(
    tree: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = convert('ego_exo4d', 'train')

    (sample,) = dataset
    assert sample.sample_id == f'{TAKE}/stainless bowl_0/cam04'
    assert sample.video_path == tree / f'{TAKE}/aria01_214-1#30-90:30'
    assert read_video(sample.video_path, 8)[:, 0, 0, 0].tolist() == pytest.approx(
        [30, 60, 90], abs=3
    )
    assert sample.image_path == tree / TAKE / 'cam04/60.jpg'
    assert sample.image_size == (96, 54)
    assert dataset.action_names == ('interact',)
    assert sample.object_id == f'{TAKE}/stainless bowl_0'
    assert sample.origin == Origin('Ego-Exo4D', 'Ego4D-license-agreement')
    (mask,) = sample.masks
    assert mask is not None
    inside = mask.contains(np.array([[60, 10], [80, 30], [67, 17], [59, 10]], float))
    assert inside.tolist() == [True, True, False, False]
    assert find_problems(dataset, progress=False) == []
    said = capsys.readouterr().out
    assert 'left out, not seen by a camera: 1\n' in said
    assert 'left out, masks of 0 wearers: 1\n' in said


def test_frames_with_an_empty_mask_and_objects_of_two_wearers_are_left_out(
    tree: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    wearer = {'0': EMPTY, **BOWL['aria01_214-1'], '150': EMPTY}
    cameras = {'cam04': {'0': EMPTY, '60': MASK}, 'cam01': {'0': EMPTY}}
    annotate(
        tree,
        {
            'stainless bowl_0': {'aria01_214-1': wearer, **cameras},
            'pan_0': {**MASKS['stainless bowl_0'], 'aria02_214-1': {'0': MASK}},
        },
    )

    (sample,) = convert('ego_exo4d', 'train')

    assert sample.video_path.name == 'aria01_214-1#30-90:30'
    assert sample.image_path.name == '60.jpg'
    assert 'left out, masks of 2 wearers: 1\n' in capsys.readouterr().out
