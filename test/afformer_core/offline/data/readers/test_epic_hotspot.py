# SPDX-License-Identifier: Apache-2.0
"""The reader of EPIC-Hotspot, over a small tree in its layout."""

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import FrameRange
from afformer_core.media.video import read_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.verification import find_problems

FRIDGE = 'P01_17_301_20_4_60_44.jpg'
TAP = 'P02_03_61_0_0_64_48.jpg'
CUPBOARD = 'P02_03_91_5_5_69_53.jpg'

RELEASE: dict[str, Any] = {
    'verbs': ['take', 'open', 'turn-on'],
    'nouns': ['tap', 'fridge', 'cupboard'],
    'train_clips': [{'v_id': 'P09_01', 'start': 5, 'stop': 25, 'verb': 1, 'noun': 1}],
    'test_clips': [
        {'v_id': 'P01_17', 'start': 301, 'stop': 345, 'verb': 1, 'noun': 1},
        {'v_id': 'P01_17', 'start': 361, 'stop': 380, 'verb': 1, 'noun': 1},
        {'v_id': 'P02_03', 'start': 11, 'stop': 31, 'verb': 2, 'noun': 0},
        {'v_id': 'P02_03', 'start': 41, 'stop': 61, 'verb': 1, 'noun': 2},
    ],
    'train_images': [
        {'image': [FRIDGE], 'verb': 1, 'points': [[1, 2]], 'shape': [64, 48], 'noun': 1}
    ],
    'test_images': [
        {'image': [FRIDGE], 'verb': 1, 'points': [[60, 10], [-3, 50.5]], 'shape': [64, 48]},
        {'image': [TAP], 'verb': 2, 'points': [[2, 40]], 'shape': [64, 48]},
        {'image': [FRIDGE], 'verb': 1, 'points': [[61, 11]], 'shape': [64, 48]},
        {'image': [FRIDGE], 'verb': 0, 'points': [[30, 30]], 'shape': [64, 48]},
        {'image': [FRIDGE], 'verb': 1, 'points': [[62, 12]], 'shape': [64, 48]},
    ],
    'inactive_images': {
        'fridge': [{'v_id': 'P01_17', 'f_id': 301, 'box': [20, 4, 60, 44]}],
        'tap': [{'v_id': 'P02_03', 'f_id': 61, 'box': [0.0, 0.0, 64.0, 48.0]}],
        'ceiling': [{'v_id': 'P02_03', 'f_id': 61, 'box': [7, 7, 9, 9]}],
    },
}


def changed(key: str, number: int | None = None, **values: Any) -> dict[str, Any]:
    """The release with an entry of a list changed; a value None takes its key away."""
    release = copy.deepcopy(RELEASE)
    position = release if number is None else release[key][number]
    for name, value in values.items():
        position[name] = value
        if value is None:
            del position[name]
    return release


def write(folder: Path, release: Any = None) -> Path:
    path = folder / 'annotations.json'
    path.write_text(json.dumps(RELEASE if release is None else release))
    return path


def write_frames(root: Path, video: str, numbers: Iterable[int]) -> None:
    """Frame k is of the grey level k modulo 256."""
    folder = root / 'frames_rgb_flow/rgb/train' / video.split('_')[0] / video
    folder.mkdir(parents=True)
    for number in numbers:
        image = PIL.Image.new('RGB', (32, 24), (number % 256,) * 3)
        image.save(folder / f'frame_{number:010}.jpg')


def write_images(root: Path, *names: str) -> None:
    (root / 'images').mkdir()
    for name in names:
        PIL.Image.new('RGB', (64, 48), (200, 100, 0)).save(root / 'images' / name)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """All that the test split needs; P01_17 has every frame, P02_03 every tenth."""
    write(tmp_path)
    write_frames(tmp_path, 'P01_17', range(300, 390))
    write_frames(tmp_path, 'P02_03', range(1, 100, 10))
    write_images(tmp_path, FRIDGE, TAP)
    return tmp_path


def test_reads_an_image_as_it_is(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path), split='test')
    assert dataset.manifest.left_out == {'images without a clip of their verb and noun': 1}
    assert dataset.action_names == ('take', 'open', 'turn-on')
    sample = dataset[0]
    assert (sample.sample_id, sample.origin.source) == ('test/0', 'EPIC-Hotspot')
    assert sample.image_path == tmp_path / 'images' / FRIDGE
    assert sample.image_size == (64, 48)
    assert sample.actions == (1,)
    np.testing.assert_array_equal(sample.points[0], [[60, 10], [-3, 50.5]])
    (training,) = open_annotations(tmp_path / 'annotations.json', split='train')
    assert training.sample_id == 'train/0'
    assert 'P09_01#5-25:10' in str(training.video_path)
    with pytest.raises(DatasetError, match="the split is 'val'; expected one of train, test"):
        open_annotations(tmp_path / 'annotations.json', split='val')


def test_the_media_are_there_and_clips_are_every_tenth_frame(tree: Path) -> None:
    dataset = open_annotations(tree / 'annotations.json', split='test')
    assert find_problems(dataset, decode=True) == []
    fridge = read_video(dataset[0].video_path)
    assert fridge.shape == (5, 24, 32, 3)
    found = fridge.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, [301 - 256, 311 - 256, 321 - 256, 331 - 256, 341 - 256])
    thinned = read_video(dataset[1].video_path, 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(thinned, [11, 31])


def test_images_get_the_clips_of_their_verb_and_noun_in_turn(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path), split='test')
    fridge = tmp_path / 'frames_rgb_flow/rgb/train/P01/P01_17'
    tap = tmp_path / 'frames_rgb_flow/rgb/train/P02/P02_03'
    assert [(sample.sample_id, sample.video_path) for sample in dataset] == [
        ('test/0', FrameRange(fridge, 301, 345, 10).path),
        ('test/1', FrameRange(tap, 11, 31, 10).path),
        ('test/2', FrameRange(fridge, 361, 380, 10).path),
        ('test/4', FrameRange(fridge, 301, 345, 10).path),
    ]
    assert len({str(sample.video_path) for sample in dataset}) == 3


def test_a_noun_beside_the_image_goes_before_that_of_its_crop(tmp_path: Path) -> None:
    dataset = open_annotations(write(tmp_path, changed('test_images', 0, noun=2)), split='test')
    assert 'P02_03#41-61:10' in str(dataset[0].video_path)


def test_opras_annotations_of_the_same_release_are_refused(tmp_path: Path) -> None:
    # Their points are (row, column).
    clip = {'clip': ['seattle', '1', '193', '217.5', '6.5'], 'nframes': 32, 'verb': 0, 'noun': 0}
    image = {
        'image': ['seattle', '1', '193', 'MAT_1.jpg'], 'verb': 0, 'points': [[40, 2]],
        'shape': [48, 64],
    }  # fmt: skip
    path = write(tmp_path, {**RELEASE, 'test_clips': [clip], 'test_images': [image]})
    with pytest.raises(DatasetError, match=r"entry 0 of test_clips .* has no 'v_id'"):
        open_annotations(path, split='test')


@pytest.mark.parametrize(
    ('key', 'values', 'message'),
    [
        ('test_images', {'verb': None}, "has no 'verb'"),
        ('test_images', {'verb': 3}, 'verb is 3; expected 0 to 2'),
        ('test_images', {'verb': True}, 'verb is True; expected 0 to 2'),
        ('test_images', {'noun': 7}, 'noun is 7; expected 0 to 2'),
        ('test_images', {'image': []}, 'image is '),
        ('test_images', {'image': [CUPBOARD]}, f'noun of {CUPBOARD}'),
        ('test_images', {'image': FRIDGE}, f"image is '{FRIDGE}'"),
        ('test_images', {'points': [[float('nan'), 3]]}, 'points is '),
        ('test_images', {'shape': [0, 48]}, 'target_size is 0'),
        ('test_images', {'shape': [float('inf'), 48]}, 'cannot convert'),
        ('test_clips', {'v_id': None}, "has no 'v_id'"),
        ('test_clips', {'start': 400}, 'from frame 400 to frame 31'),
        ('test_clips', {'start': -1}, 'from frame -1 to frame 31'),
        ('test_clips', {'stop': float('nan')}, 'cannot convert'),
        ('test_clips', {'noun': 3}, 'noun is 3; expected 0 to 2'),
    ],
)
def test_a_malformed_entry_is_named(
    tmp_path: Path, key: str, values: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, changed(key, 2, **values))
    with pytest.raises(DatasetError) as raised:
        open_annotations(path, split='test')
    assert f'entry 2 of {key} in {path}' in str(raised.value)
    assert message in str(raised.value)


def test_a_split_without_a_pair_is_refused(tmp_path: Path) -> None:
    clip = {'v_id': 'P01_17', 'start': 301, 'stop': 345, 'verb': 0, 'noun': 0}
    path = write(tmp_path, {**RELEASE, 'test_clips': [clip]})
    with pytest.raises(
        DatasetError, match=r'0 samples.* images without a clip of their verb and noun \(5\)'
    ):
        open_annotations(path, split='test')


@pytest.mark.parametrize(
    ('release', 'message'),
    [
        ({**RELEASE, 'verbs': [1, 2, 3]}, r'annotations.json: verbs is 1; expected text'),
        ({**RELEASE, 'nouns': {}}, 'nouns is {}; expected a list of at least 1'),
        ({**RELEASE, 'test_clips': []}, r'annotations\.json contains no test_clips'),
        ({**RELEASE, 'test_images': 'take'}, r'annotations\.json contains no test_images'),
        ({**RELEASE, 'inactive_images': []}, 'inactive_images in .* is a list'),
        (
            {**RELEASE, 'inactive_images': {'tap': [{'v_id': 'P02_03'}]}},
            "of tap in .* has no 'f_id'",
        ),
    ],
)
def test_a_file_that_holds_something_else_is_refused(
    tmp_path: Path, release: Any, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        open_annotations(write(tmp_path, release), split='test')
