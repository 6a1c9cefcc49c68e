# SPDX-License-Identifier: Apache-2.0
"""Sequences in the layout of HOI4D to a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.licences import Origin
from afformer_core.media.video import write_video
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert

TASKS = (
    'Category ID,Category,T1,T2,T3,T4,T5,T6\n'
    'C1,Toy Car,Pick and place,Push toy car,N/A,N/A,N/A,N/A\n'
    'C4,Storage Furniture,Open and close the drawer,Open and close the door,N/A,N/A,N/A,N/A\n'
)
# A cupboard in three rooms, two of which are one, and another cupboard.
DRAWER, DOOR, SAME_ROOM, OTHER = SEQUENCES = (
    'ZY20210800001/H1/C4/N11/S125/s03/T1',
    'ZY20210800002/H2/C4/N11/S126/s01/T2',
    'ZY20210800001/H1/C4/N11/S125/s04/T1',
    'ZY20210800001/H1/C4/N12/S125/s03/T1',
)
# Colours of labels: door, right hand, body, drawer.
DOOR_COLOUR, HAND, BODY, DRAWER_COLOUR = (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)


def write_mask(path: Path, *colours: tuple[int, int, int]) -> None:
    """Stripes of 10 pixels in an image of 96x54, from the left."""
    pixels = np.zeros((54, 96, 3), np.uint8)
    for number, colour in enumerate(colours):
        pixels[:, 10 * number : 10 * number + 10] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(pixels).save(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write sequences with a hand in frame 0 and none in frame 2; masks of one are moved."""
    root = tmp_path / 'tree'
    root.mkdir()
    (root / 'task_definitions.csv').write_text(TASKS)
    (root / 'release.txt').write_text(''.join(f'{name}\n' for name in SEQUENCES))
    for name in SEQUENCES:
        images = root / 'HOI4D_release' / name / 'align_rgb'
        images.mkdir(parents=True)
        write_video(images / 'image.mp4', np.zeros((9, 48, 64, 3), np.uint8), 15.0)
        PIL.Image.new('RGB', (96, 54)).save(images / '00002.jpg')
        masks = '2Dseg/shift_mask' if name == DOOR else '2Dseg/mask'
        folder = root / 'HOI4D_annotations' / name / masks
        write_mask(folder / '00000.png', DOOR_COLOUR, HAND)
        write_mask(folder / '00002.png', DOOR_COLOUR, BODY, DRAWER_COLOUR)
    return root


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
