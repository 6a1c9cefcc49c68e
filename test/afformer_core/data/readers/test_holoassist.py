# SPDX-License-Identifier: Apache-2.0
"""The reader of HoloAssist, over two small recordings in its layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import find_problems
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin

from ..trees.holoassist import (
    ANNOTATIONS,
    FIRST,
    SECOND,
    annotate,
    entry,
    event,
    hand,
    write_holoassist,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_holoassist(tmp_path)
    return tmp_path


def opened(tree: Path) -> AnnotatedDataset:
    dataset = open_annotations(tree / 'data-annotation-trainval-v1_1.json')
    return dataset


def test_an_action_is_sought_in_another_recording_before_a_hand_comes(tree: Path) -> None:
    dataset = opened(tree)

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
    assert dataset.manifest.left_out['no image in another recording'] == 1


def test_the_media_are_there(tree: Path) -> None:
    assert find_problems(opened(tree), progress=False) == []


def test_the_hand_nearest_to_the_gaze_is_the_one_that_acts(tree: Path) -> None:
    file = tree / SECOND / 'Export_py/Hands/Left_sync.txt'
    rows = file.read_text().splitlines()
    other = '\t'.join(rows[14].split('\t')[:2]) + '\t' + hand((1.0, 0.4, 0.2), 2)
    file.write_text('\n'.join([*rows[:14], other, *rows[15:]]))

    assert opened(tree)[0].points[0] == pytest.approx(np.array([[498, 277]]))


@pytest.mark.parametrize(
    'change',
    [
        {'Action Correctness': 'Wrong Action, corrected by student verbally'},
        {'Noun': 'none'},
        {'Verb': 'turn'},
        {'Adjective': 'big'},
    ],
)
def test_only_the_same_correct_action_gives_an_image(tree: Path, change: dict[str, str]) -> None:
    annotate(tree, [ANNOTATIONS[0], entry(SECOND, event(6.0, 8.0, **change))])

    with pytest.raises(DatasetError, match='contains 0 samples'):
        opened(tree)


def test_without_gaze_or_hands_there_is_no_image(tree: Path) -> None:
    for name in ('Hands/Right_sync.txt', 'Eyes/Eyes_sync.txt'):
        write = tree / SECOND / 'Export_py' / name
        rows = write.read_text().splitlines()
        untracked = [
            '\t'.join([*row.split('\t')[:2], *['nan'] * (len(row.split('\t')) - 2)])
            for row in rows
        ]
        write.write_text('\n'.join(untracked))

        dataset = opened(tree)

        # The other recording still gives one.
        assert [sample.sample_id for sample in dataset] == [f'{SECOND}/0']
        write.write_text('\n'.join(rows))


def test_recordings_that_are_not_there_are_passed_over(tree: Path) -> None:
    annotate(tree, [*ANNOTATIONS, entry('z999-lost', event(1.0, 2.0))])

    dataset = opened(tree)

    assert len(dataset) == 2
    assert dataset.manifest.left_out['recording not there'] == 1


def test_a_recording_that_is_listed_twice_is_named(tree: Path) -> None:
    annotate(tree, [*ANNOTATIONS, ANNOTATIONS[0]])

    with pytest.raises(DatasetError, match=rf'another sample is named {FIRST}/1'):
        opened(tree)


@pytest.mark.parametrize(
    ('file', 'text', 'expected'),
    [
        ('Video/Intrinsics.txt', '1\t2', 'Intrinsics.txt: it has 2 numbers; expected at least 11'),
        ('Video/VideoMp4Timing.txt', 'now', 'VideoMp4Timing.txt: invalid literal'),
        ('Hands/Left_sync.txt', '1\t2\n', 'Left_sync.txt has 1 rows; expected 21'),
        ('Hands/Left_sync.txt', '1\t2\n' * 21, 'line 15 of .*Left_sync.txt: it has 2 numbers'),
        ('Video/Pose_sync.txt', '1\t2\n' * 21, 'Pose_sync.txt: it has 2 numbers'),
    ],
)
def test_a_malformed_file_is_named(tree: Path, file: str, text: str, expected: str) -> None:
    (tree / FIRST / 'Export_py' / file).write_text(text)

    with pytest.raises(DatasetError, match=expected):
        opened(tree)


def test_a_missing_file_is_named(tree: Path) -> None:
    (tree / FIRST / 'Export_py/Eyes/Eyes_sync.txt').unlink()

    with pytest.raises(DatasetError, match=r'Eyes_sync.txt does not exist'):
        opened(tree)


def test_a_malformed_event_is_named_by_its_recording(tree: Path) -> None:
    annotate(tree, [entry(FIRST, {'label': 'Fine grained action'})])

    with pytest.raises(DatasetError, match=rf"{FIRST} in .* has no 'attributes'"):
        opened(tree)
