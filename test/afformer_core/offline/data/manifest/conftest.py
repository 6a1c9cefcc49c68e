# SPDX-License-Identifier: Apache-2.0
"""A dataset of each format, with a bit of everything that the format can tell."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.media.video import write_video


def own_pairs(folder: Path) -> Path:
    """Two objects: a video and a folder of frames, two actions, a licence."""
    for name in ('espresso', 'dish washer'):
        demonstrations = folder / name / 'demonstrations'
        (demonstrations / 'turn').mkdir(parents=True)
        (folder / name / 'images').mkdir()
        write_video(demonstrations / 'press.mp4', np.zeros((3, 48, 64, 3), np.uint8), 10.0)
        PIL.Image.new('RGB', (64, 48)).save(demonstrations / 'turn/0001.jpg')
        PIL.Image.new('RGB', (64, 48)).save(folder / name / 'images/kitchen.jpg')
        (folder / name / 'points.csv').write_text(
            'demonstration,image,action,x,y\n'
            'press.mp4,kitchen.jpg,press,10,20\n'
            'press.mp4,kitchen.jpg,hold,11.25,21\n'
            'press.mp4,kitchen.jpg,press,12,22\n'
            'turn,kitchen.jpg,turn,40,5.5\n'
        )
    (folder / 'actions.txt').write_text('turn\npress\nhold\nopen\n')
    (folder / 'licence.txt').write_text('CC-BY-4.0\n')
    return folder


def part_pairs(folder: Path) -> Path:
    """One pair of two outlined parts, of its own licence."""
    folder.mkdir()
    pair = {
        'clip': 'a.mp4',
        'target': 'b.png',
        'target_size': [64, 48],
        'parts': [[[1, 2], [30, 2], [30, 40]], [[40, 6], [50, 6], [50, 18.5], [40, 18]]],
        'action': 'pull',
        'licence': 'CC0-1.0',
    }
    (folder / 'pairs.json').write_text(json.dumps([pair]))
    return folder


def simulated(folder: Path) -> Path:
    """An entry as the simulator writes it, with elements, contact and contact points."""
    folder.mkdir()
    button = {'kind': 'button', 'polygon': [[0, 0], [4, 0], [4, 4.5]], 'in_view': True}
    entry = {
        'image_path': 'a.png',
        'video_path': 'a.mp4',
        'width': 64,
        'height': 48,
        'actions': [1, 3, 1],
        'heatmaps': [[[1.125, 2], [3, 4]], [[5, 6]], [[7, 8]]],
        'scene': 'test/3',
        'element': 1,
        'elements': [button, {**button, 'in_view': False}],
        'contact': [2, 5],
        'contact_point': [[1, 2], None],
        'clip_size': [64, 48],
    }
    (folder / 'test.json').write_text(json.dumps([entry]))
    return folder / 'test.json'


def opra_text(folder: Path) -> Path:
    """Two lines of one clip, with points outside of the image."""
    (folder / 'annotations').mkdir(parents=True)
    points = '10 20 30.5 40 -5 3 70 -0.25 1 2 3 4 5 6 7 8 9 10 300 47'
    line = 'seattle 1 193 217.50 6.5 MAT_1.jpg 48 64'
    (folder / 'annotations/test.txt').write_text(f'{line} 4 {points}\n{line} 2 {points}\n')
    return folder / 'annotations/test.txt'


def epic_hotspot(folder: Path) -> Path:
    """In each split a clip of numbered frames, and two images that were cut from another."""
    frames = folder / 'frames_rgb_flow/rgb/train/P01/P01_01'
    frames.mkdir(parents=True)
    (folder / 'images').mkdir()
    for number in range(1, 62, 10):
        PIL.Image.new('RGB', (64, 64), (number, 0, 0)).save(frames / f'frame_{number:010}.jpg')
    crops = ['P01_02_1_0_0_64_64.jpg', 'P01_02_9_0_0_64_64.jpg']
    for crop in crops:
        PIL.Image.new('RGB', (64, 64), (9, 9, 9)).save(folder / 'images' / crop)
    clips = [{'v_id': 'P01_01', 'start': 1, 'stop': 61, 'verb': 1, 'noun': 0}]
    images = [
        {'image': [crop], 'verb': 1, 'noun': 0, 'points': [[20, 30]], 'shape': [64, 64]}
        for crop in crops
    ]
    release = {'verbs': ['take', 'open'], 'nouns': ['fridge'], 'inactive_images': {}}
    for split in ('train', 'test'):
        release |= {f'{split}_clips': clips, f'{split}_images': images}
    (folder / 'annotations.json').write_text(json.dumps(release))
    return folder / 'annotations.json'


def assistq(folder: Path) -> Path:
    """In each split parts of two videos, and the boxes of an image each."""
    question = {
        'question': 'How to boil water?',
        'answers': [['Press <button2> to boil water', 'Wait']],
        'correct': [1],
        'images': ['kettle-user.png'],
    }
    names = 'kettle_a1b2c', 'kettle_d3e4f'
    for split, name in itertools.product(('train', 'test'), names):
        video = folder / split / name
        (video / 'images').mkdir(parents=True)
        write_video(video / 'video.mp4', np.zeros((30, 64, 64, 3), np.uint8), 5.0)
        (video / 'script.txt').write_text('0:00:01-0:00:03 Press the power button to boil.\n')
        (video / 'buttons.csv').write_text(
            'button1,0,0,8,6,kettle-user.png,40,30\nbutton2,35,10,10,6,kettle-user.png,40,30\n'
        )
        PIL.Image.new('RGB', (40, 30)).save(video / 'images/kettle-user.png')
        (folder / f'{split}.json').write_text(json.dumps({each: [question] for each in names}))
    return folder / 'train.json'


def manifest(folder: Path) -> Path:
    """Each form of a region, two actions of one sample, and licences of the file and of rows."""
    folder.mkdir()
    PIL.Image.new('RGB', (64, 48)).save(folder / 'stove.png')
    mask = np.zeros((48, 64), np.uint8)
    mask[10:31, 20:41] = 255
    mask[18:23, 28:33] = 0
    PIL.Image.fromarray(mask).save(folder / 'ring.png')
    square = [[5, 5], [45, 5], [45, 45], [5, 45]]
    shared = {'clip': 'a b.mp4', 'target': 'stove.png'}
    lines = [
        {'manifest': 1, 'actions': ['turn', 'press', 'hold'], 'licence': 'CC-BY-4.0'},
        {**shared, 'action': 'turn', 'boxes': [[10, 10, 20, 20], [40, 30, 50, 40.5]]},
        {**shared, 'action': 'press', 'points': [[3, 4]]},
        {**shared, 'id': 'ring', 'action': 'turn', 'mask': 'ring.png', 'licence': 'MIT'},
        {
            **shared,
            'id': 'polygons',
            'action': 'turn',
            'polygons': [square],
            'holes': [[[20, 20], [30, 20], [30, 30]]],
            'points': [[10, 10], [12, 12.75]],
            'clip_seconds': [0.1, 0.30000000000000004],
        },
    ]
    path = folder / 'written.jsonl'
    path.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    return path


FORMATS: Mapping[str, Callable[[Path], Path]] = {
    each.__name__: each
    for each in (own_pairs, part_pairs, simulated, opra_text, epic_hotspot, assistq, manifest)
}


@pytest.fixture(params=FORMATS)
def annotations(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The dataset of one format, in a folder with blanks, a mark and a letter of two signs."""
    return FORMATS[request.param](tmp_path / 'Ku\u0308che #2 (neu)')


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Own pairs of two objects."""
    return own_pairs(tmp_path / 'pairs')
