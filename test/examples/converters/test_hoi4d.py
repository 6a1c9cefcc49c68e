# SPDX-License-Identifier: Apache-2.0
"""Sequences in the layout of HOI4D to a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from afformer_core.licences import Origin
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert
from .hoi4d_files import (
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
    return write_hoi4d(tmp_path / 'tree').parent


def test_the_part_that_a_task_acts_on_is_sought_in_another_room(
    tree: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / 'release.txt').write_text('\n'.join([*SEQUENCES, DRAWER, '']))

    dataset = convert('hoi4d')

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
    points = np.array([[5, 20], [15, 20], [25, 20], [50, 20]], float)
    for sample, inside in ((drawer, [0, 0, 1, 0]), (door, [1, 0, 0, 0])):
        (mask,) = sample.masks
        assert mask is not None
        assert mask.contains(points).tolist() == inside
    assert find_problems(dataset, progress=False) == []
    said = capsys.readouterr().out
    assert 'left out, no image of the object in another sequence: 1\n' in said


def test_targets_show_the_part_without_a_hand(tree: Path, convert: Convert) -> None:
    masks = tree / 'HOI4D_annotations' / DOOR / '2Dseg/shift_mask'
    write_mask(masks / '00002.png', DRAWER_COLOUR, HAND)
    for name in (DRAWER, SAME_ROOM):
        masks = tree / 'HOI4D_annotations' / name / '2Dseg/mask'
        write_mask(masks / '00002.png', BODY, BODY, DRAWER_COLOUR)

    dataset = convert('hoi4d')

    # No image is left for the door, and for the drawer one of the same room.
    assert [sample.sample_id for sample in dataset] == [DRAWER, SAME_ROOM]
    assert dataset[0].image_path == tree / 'HOI4D_release' / SAME_ROOM / 'align_rgb/00002.jpg'


def test_a_left_hand_is_one_where_the_category_has_it(tree: Path, convert: Convert) -> None:
    chairs = [name.replace('C4', 'C20') for name in (DRAWER, DOOR)]
    (tree / 'release.txt').write_text('\n'.join(chairs))
    (tree / 'task_definitions.csv').write_text(TASKS + 'C20,Chair,Move,Move,N/A,N/A,N/A,N/A\n')
    for name in chairs:
        masks = tree / 'HOI4D_annotations' / name / '2Dseg/mask'
        # Label 3 is the body of a cupboard, and the left hand beside a chair.
        write_mask(masks / '00000.png', (128, 0, 0), (128, 128, 0))
        write_mask(masks / '00007.png', (128, 0, 0))

    assert convert('hoi4d')[0].image_path.name == '00007.jpg'
