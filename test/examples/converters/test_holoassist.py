# SPDX-License-Identifier: Apache-2.0
"""Recordings in the layout of HoloAssist to a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.media.video import write_video
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert

FIRST, SECOND = 'z047-june-25-22-nespresso', 'R007-7July-nespresso'
# Ticks of 100 ns at the begin of the video, and rows each half second of 10 s.
BEGIN, ROWS = 132_000_000_000_000_000, 21
# Forward, left and up of the headset in metres, where 500 pixels are one metre at one metre.
BUTTON = (1.0, 0.1, -0.05)
BEHIND = (-1.0, 0.0, 0.0)
INTRINSICS = '500\t0\t448\t0\t500\t252\t0\t0\t1\t0\t0\t896\t504'


def event(begin: float, end: float, label: str = 'Fine grained action', **more: Any) -> Any:
    attributes = {
        'Action Correctness': 'Correct Action',
        'Verb': 'press',
        'Adjective': 'none',
        'Noun': 'button',
        **more,
    }
    return {'id': 1, 'label': label, 'start': begin, 'end': end, 'attributes': attributes}


def entry(name: str, *events: Any) -> Any:
    return {'video_name': name, 'taskType': 'nespresso', 'events': list(events)}


CONVERSATION = {'id': 7, 'label': 'Conversation', 'start': 1, 'end': 2, 'attributes': {}}
ANNOTATIONS = [
    entry(FIRST, CONVERSATION, event(6.0, 8.0), event(3.0, 4.0, Noun='lid', Verb='open')),
    entry(SECOND, event(6.0, 8.0)),
]


def hand(position: tuple[float, float, float] | None, version: int) -> str:
    """A row of joints that are all at a position; its tips of thumb and index are 2 cm apart."""
    joints = np.tile(np.eye(4), (26, 1, 1))
    if position is None:
        joints[:, :3, 3] = 0
    else:
        joints[:, :3, 3] = position
        joints[5, 0, 3] -= 0.01
        joints[10, 0, 3] += 0.01
    flags = [0.0] * (1 if version == 1 else 3)
    values = [*flags, *joints.reshape(-1), *[1.0] * 52]
    return '\t'.join(f'{value:g}' for value in values)


def write_recording(folder: Path, version: int = 1) -> None:
    """The right hand comes into view at 5.5 s; the left one is not tracked.

    From 5 s on the headset is at the origin, and before 20 cm to the left of it.
    """
    export = folder / 'Export_py'
    for name in ('Video/images_aligned', 'Hands', 'Eyes'):
        (export / name).mkdir(parents=True)
    write_video(export / 'Video_pitchshift.mp4', np.zeros((50, 48, 64, 3), np.uint8), 5.0)
    lines: dict[str, list[str]] = {'pose': [], 'left': [], 'right': [], 'eyes': []}
    for row in range(ROWS):
        seconds = row / 2
        times = f'{seconds}\t{BEGIN + row * 5_000_000}'
        pose = np.eye(4)
        pose[1, 3] = 0.0 if seconds > 5 else 0.2
        lines['pose'].append(times + '\t' + '\t'.join(f'{each:g}' for each in pose.reshape(-1)))
        right = BUTTON if seconds >= 5.5 else BEHIND
        lines['left'].append(f'{times}\t{hand(None, version)}')
        lines['right'].append(f'{times}\t{hand(right, version)}')
        lines['eyes'].append(f'{times}\t0\t0\t0\t1\t0.1\t-0.05\t1\t1')
        image = PIL.Image.new('RGB', (224, 126))
        image.save(export / f'Video/images_aligned/{row:06d}.png')
    for name, key in (
        ('Video/Pose_sync.txt', 'pose'),
        ('Hands/Left_sync.txt', 'left'),
        ('Hands/Right_sync.txt', 'right'),
        ('Eyes/Eyes_sync.txt', 'eyes'),
    ):
        (export / name).write_text('\n'.join(lines[key]) + '\n')
    (export / 'Video/VideoMp4Timing.txt').write_text(f'{BEGIN}\n{BEGIN + 100_000_000}\n')
    (export / 'Video/Intrinsics.txt').write_text(INTRINSICS)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write both recordings and their annotations."""
    root = tmp_path / 'tree'
    write_recording(root / FIRST)
    write_recording(root / SECOND, version=2)
    annotate(root, ANNOTATIONS)
    return root


def annotate(tree: Path, content: Any) -> None:
    (tree / 'data-annotation-trainval-v1_1.json').write_text(json.dumps(content))


def test_an_action_is_sought_in_another_recording_before_a_hand_comes(
    tree: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    annotate(tree, [*ANNOTATIONS, entry('z999-lost', event(1.0, 2.0))])

    dataset = convert('holoassist')

    assert dataset.action_names == ('open', 'press')
    first, second = dataset
    assert (first.sample_id, second.sample_id) == (f'{FIRST}/1', f'{SECOND}/0')
    assert first.video_path == tree / FIRST / 'Export_py/Video_pitchshift.mp4'
    assert first.clip == (6.0, 8.0)
    assert first.actions == (1,)
    # At 5.5 s the hand is in view; row 10 is of 5 s.
    assert first.image_path == tree / SECOND / 'Export_py/Video/images_aligned/000010.png'
    assert second.image_path == tree / FIRST / 'Export_py/Video/images_aligned/000010.png'
    assert first.image_size == (896, 504)
    # 10 cm right of the headset as it is then, 5 cm below, at a distance of 1 m.
    assert first.points[0] == pytest.approx(np.array([[448 + 50, 252 + 25]]))
    assert first.object_id == 'nespresso'
    assert first.origin == Origin('HoloAssist', 'CDLA-Permissive-2.0')
    assert find_problems(dataset, progress=False) == []
    said = capsys.readouterr().out
    assert 'left out, no image in another recording: 1\n' in said
    assert 'left out, recording not there: 1\n' in said


def replace_row(file: Path, number: int, values: str) -> None:
    rows = file.read_text().splitlines()
    rows[number] = '\t'.join([*rows[number].split('\t')[:2], values])
    file.write_text('\n'.join(rows))


def test_the_hand_nearest_to_the_gaze_is_the_one_that_acts(tree: Path, convert: Convert) -> None:
    hands = tree / SECOND / 'Export_py/Hands'
    replace_row(hands / 'Left_sync.txt', 14, hand((1.0, 0.4, 0.2), 2))

    assert convert('holoassist')[0].points[0] == pytest.approx(np.array([[498, 277]]))


@pytest.mark.parametrize('name', ['Hands/Right', 'Eyes/Eyes'])
def test_without_gaze_or_hands_there_is_no_image(tree: Path, convert: Convert, name: str) -> None:
    file = tree / SECOND / f'Export_py/{name}_sync.txt'
    count = len(file.read_text().splitlines()[14].split('\t')) - 2
    replace_row(file, 14, '\t'.join(['nan'] * count))

    assert [sample.sample_id for sample in convert('holoassist')] == [f'{SECOND}/0']


@pytest.mark.parametrize(
    'change',
    [
        {'Action Correctness': 'Wrong Action, corrected by student verbally'},
        {'Noun': 'none'},
        {'Verb': 'turn'},
        {'Adjective': 'big'},
    ],
)
def test_only_the_same_correct_action_gives_an_image(
    tree: Path, convert: Convert, change: dict[str, str]
) -> None:
    annotate(tree, [ANNOTATIONS[0], entry(SECOND, event(6.0, 8.0, **change))])

    with pytest.raises(DatasetError, match='contains 0 samples'):
        convert('holoassist')


def test_files_of_different_lengths_are_an_error(tree: Path, convert: Convert) -> None:
    (tree / FIRST / 'Export_py/Hands/Left_sync.txt').write_text('1\t2\n')

    with pytest.raises(ValueError, match='Export_py has files with different numbers of rows'):
        convert('holoassist')
