# SPDX-License-Identifier: Apache-2.0
"""The reader of HOI4D, over a small tree in its layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import find_problems
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin

from ..trees.hoi4d import (
    BODY,
    DOOR,
    DRAWER,
    DRAWER_COLOUR,
    HAND,
    SAME_ROOM,
    SEQUENCES,
    TASKS,
    write_hoi4d,
    write_mask,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_hoi4d(tmp_path)
    return tmp_path


def opened(tree: Path) -> AnnotatedDataset:
    dataset = open_annotations(tree / 'release.txt')
    return dataset


def test_a_task_is_sought_in_another_room(tree: Path) -> None:
    dataset = opened(tree)

    assert dataset.action_names == (
        'Open and close the door',
        'Open and close the drawer',
        'Pick and place',
        'Push toy car',
    )
    assert [sample.sample_id for sample in dataset] == [DRAWER, DOOR, SAME_ROOM]
    drawer, door, again = dataset
    assert drawer.video_path == tree / 'HOI4D_release' / DRAWER / 'align_rgb/image.mp4'
    assert drawer.image_path == tree / 'HOI4D_release' / DOOR / 'align_rgb/00002.jpg'
    # The first sequence is of the same room.
    assert again.image_path == drawer.image_path
    assert drawer.image_size == (96, 54)
    assert (drawer.actions, door.actions) == ((1,), (0,))
    assert drawer.object_id == door.object_id == 'C4/N11'
    assert drawer.origin == Origin('HOI4D', 'CC-BY-NC-4.0')
    assert dataset.manifest.left_out == {'no image of the object in another sequence': 1}


def test_the_part_that_the_task_acts_on_is_right(tree: Path) -> None:
    points = np.array([[5, 20], [15, 20], [25, 20], [50, 20]], float)

    drawer, door, _ = (sample.masks[0] for sample in opened(tree))

    assert drawer is not None
    assert door is not None
    assert drawer.contains(points).tolist() == [False, False, True, False]
    assert door.contains(points).tolist() == [True, False, False, False]


def test_the_media_are_there_and_may_lie_together(tree: Path) -> None:
    assert find_problems(opened(tree), progress=False) == []
    for part in ('HOI4D_release', 'HOI4D_annotations'):
        for name in SEQUENCES:
            for each in (tree / part / name).iterdir():
                (tree / name).mkdir(parents=True, exist_ok=True)
                each.rename(tree / name / each.name)
        (tree / part).rename(tree / f'empty_{part}')

    assert find_problems(opened(tree), progress=False) == []
    assert opened(tree)[0].image_path == tree / DOOR / 'align_rgb/00002.jpg'


def test_a_sequence_that_is_listed_twice_is_one(tree: Path) -> None:
    (tree / 'release.txt').write_text('\n'.join([*SEQUENCES, DRAWER, DOOR]))

    assert [sample.sample_id for sample in opened(tree)] == [DRAWER, DOOR, SAME_ROOM]


def test_samples_are_in_the_order_of_the_file(tree: Path) -> None:
    listed = []
    for name in (DRAWER, DOOR):
        other = name.replace('N11', 'N13')
        for part in ('HOI4D_release', 'HOI4D_annotations'):
            shutil.copytree(tree / part / name, tree / part / other)
        listed += [name, other]
    (tree / 'release.txt').write_text('\n'.join(listed))

    assert [sample.sample_id for sample in opened(tree)] == listed


def test_a_sequence_with_a_hand_all_along_is_no_target(tree: Path) -> None:
    masks = tree / 'HOI4D_annotations' / DOOR / '2Dseg/shift_mask'
    write_mask(masks / '00002.png', DRAWER_COLOUR, HAND)

    dataset = opened(tree)

    # The other sequence of the same room is left.
    assert dataset[0].image_path == tree / 'HOI4D_release' / SAME_ROOM / 'align_rgb/00002.jpg'


def test_an_image_without_the_part_is_no_target(tree: Path) -> None:
    for name in (DRAWER, SAME_ROOM):
        masks = tree / 'HOI4D_annotations' / name / '2Dseg/mask'
        write_mask(masks / '00002.png', BODY, BODY, DRAWER_COLOUR)

    assert [sample.sample_id for sample in opened(tree)] == [DRAWER, SAME_ROOM]


def test_a_left_hand_is_one_where_the_category_has_it(tree: Path) -> None:
    chairs = [name.replace('C4', 'C20') for name in (DRAWER, DOOR)]
    (tree / 'release.txt').write_text('\n'.join(chairs))
    (tree / 'task_definitions.csv').write_text(TASKS + 'C20,Chair,Move,Move,N/A,N/A,N/A,N/A\n')
    for name in chairs:
        masks = tree / 'HOI4D_annotations' / name / '2Dseg/mask'
        # Label 3 is the body of a cupboard, and the left hand beside a chair.
        write_mask(masks / '00000.png', (128, 0, 0), (128, 128, 0))
        write_mask(masks / '00007.png', (128, 0, 0))

    assert opened(tree)[0].image_path.name == '00007.jpg'


@pytest.mark.parametrize(
    ('file', 'text', 'expected'),
    [
        ('release.txt', f'{DRAWER}\nZY1/H1\n', r"line 2 of .*release.txt: it is 'ZY1/H1'"),
        ('release.txt', f'{DRAWER}\n', 'contains 0 samples'),
        ('release.txt', DRAWER.replace('C4', 'C99'), r'Left out: unknown task \(1\)'),
        ('task_definitions.csv', 'Category ID,T1\nCx,a\n', 'task_definitions.csv: invalid'),
        ('task_definitions.csv', 'Category\nC1\n', "task_definitions.csv has no 'Category ID'"),
        (f'HOI4D_annotations/{DRAWER}/2Dseg/mask/00000.png', 'x', '00000.png cannot be read: '),
    ],
)
def test_a_malformed_file_is_named(tree: Path, file: str, text: str, expected: str) -> None:
    (tree / file).write_text(text)

    with pytest.raises(DatasetError, match=expected):
        opened(tree)
