# SPDX-License-Identifier: Apache-2.0
"""Which videos belong to a training split, and to no test split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afformer_core.offline.data.split_videos import TrainingVideos

POINTS = ' '.join(map(str, range(20)))


def opra_text(root: Path, split: str, *clips: str) -> Path:
    """An annotation file of clips, each `CHANNEL PLAYLIST VIDEO START DURATION`."""
    path = root / 'annotations' / f'{split}.txt'
    path.parent.mkdir(exist_ok=True)
    path.write_text('\n'.join(f'{clip} MAT_1.jpg 48 64 4 {POINTS}' for clip in clips))
    return path


@pytest.fixture
def opra(tmp_path: Path) -> Path:
    """Annotations of the training split; of two videos a clip is in each split."""
    opra_text(tmp_path, 'test', 'seattle 1 12 3.5 2', 'seattle 1 193 20 6.5', 'cooking 2 7 1 1')
    clips = 'seattle 1 193 217.5 6.5', 'seattle 1 194 0 2', 'seattle 1 12 9 4'
    return opra_text(tmp_path, 'train', *clips)


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        ('videos/seattle/1/194.mp4', True),
        ('videos/seattle/1/194/whole.webm', True),
        ('elsewhere/clips/seattle/1/194/0_2.mp4', True),
        # Of a video of both splits the clip of the training split, and not the whole.
        ('clips/seattle/1/193/217.5_6.5.mp4', True),
        ('videos/seattle/1/193/whole.mp4', False),
        ('clips/seattle/1/193/20_6.5.mp4', False),
        ('clips/cooking/2/7/1_1.mp4', False),
        ('videos/cooking/2/7.mp4', False),
        # Of neither.
        ('clips/seattle/1/194/5_5.mp4', False),
        ('videos/seattle/2/194.mp4', False),
        ('videos/194.mp4', False),
    ],
)
def test_raw_videos_and_clips_of_opra(opra: Path, path: str, expected: bool) -> None:
    assert TrainingVideos.read(opra).has(opra.parents[1] / path) is expected


def test_the_annotations_of_test_may_have_another_name(tmp_path: Path) -> None:
    training = opra_text(tmp_path, 'mine', 'seattle 1 194 0 2', 'seattle 1 195 0 2')
    other = opra_text(tmp_path, 'theirs', 'seattle 1 195 7 2')
    known = TrainingVideos.read(training)
    assert known.held_out_from is None
    assert known.has(Path('videos/seattle/1/195.mp4'))
    known = TrainingVideos.read(training, other)
    assert known.held_out_from == other
    assert not known.has(Path('videos/seattle/1/195.mp4'))
    assert known.has(Path('videos/seattle/1/194.mp4'))


def test_videos_of_epic_hotspot_whose_clips_are_all_of_train(tmp_path: Path) -> None:
    def clip(video: str) -> dict[str, object]:
        return {'v_id': video, 'start': 1, 'stop': 61, 'verb': 0, 'noun': 0}

    image = {'image': ['a.jpg'], 'verb': 0, 'noun': 0, 'points': [[1, 2]], 'shape': [9, 9]}
    release = {
        'verbs': ['open'],
        'nouns': ['door'],
        'train_images': [image],
        'test_images': [image],
        'train_clips': [clip('P01_01'), clip('P01_02'), clip('P02_11')],
        # The second clip is of no pair: there is one image, and the first clip is its.
        'test_clips': [clip('P02_10'), clip('P01_02')],
    }
    annotations = tmp_path / 'annotations.json'
    annotations.write_text(json.dumps(release))
    folder = tmp_path / 'frames_rgb_flow/rgb/train'
    names = 'P01_01', 'P01_02', 'P02_10', 'P02_11', 'P03_01'
    for name in names:
        (folder / name[:3] / name).mkdir(parents=True)

    known = TrainingVideos.read(annotations)

    assert [name for name in names if known.has(folder / name[:3] / name)] == ['P01_01', 'P02_11']
    assert known.has(Path('videos/P01_01.MP4'))
    assert not known.has(Path('videos/P01_02.MP4'))


def test_other_videos_are_known_by_their_paths(tmp_path: Path) -> None:
    def entry(video: str) -> dict[str, object]:
        shown = {'image_path': 'a.png', 'width': 9, 'height': 9, 'video_path': video}
        return {**shown, 'actions': [1], 'heatmaps': [[[1, 2]]]}

    train = tmp_path / 'train.json'
    train.write_text(json.dumps([entry('a.mp4'), entry('b.mp4')]))
    (tmp_path / 'test.json').write_text(json.dumps([entry('b.mp4'), entry('c.mp4')]))
    known = TrainingVideos.read(train)

    assert [name for name in 'abcd' if known.has(tmp_path / f'{name}.mp4')] == ['a']
    assert not known.has(tmp_path / 'other' / 'a.mp4')
