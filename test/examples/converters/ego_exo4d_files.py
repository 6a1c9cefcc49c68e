# SPDX-License-Identifier: Apache-2.0
"""A small take of Ego-Exo4D's correspondences, as their own script leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image

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


def write_ego_exo4d(root: Path, split: str = 'train') -> Path:
    """Write a take with frames at 0, 30, ... 150, a half and a third as large as the masks."""
    root.mkdir(exist_ok=True)
    takes = {each: [TAKE] if each == split else [] for each in ('train', 'val', 'test')}
    (root / 'split.json').write_text(json.dumps(takes))
    for camera, size in (('aria01_214-1', (48, 27)), ('cam04', (32, 18))):
        (root / TAKE / camera).mkdir(parents=True)
        for number in range(0, 180, 30):
            image = PIL.Image.new('L', size, number).convert('RGB')
            image.save(root / TAKE / camera / f'{number}.jpg')
    annotate(root, MASKS)
    return root / 'split.json'


def annotate(tree: Path, masks: Any) -> None:
    content = {'masks': masks, 'subsample_idx': list(range(0, 180, 30))}
    (tree / TAKE / 'annotation.json').write_text(json.dumps(content))
