# SPDX-License-Identifier: Apache-2.0
"""The reader of VISOR, over a small tree in its layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.data.annotations import open_annotations
from afformer_core.data.verification import find_problems
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin

from ..trees.visor import FRAMES, NARRATIONS, annotate, entity, frame, hand, write_visor


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / 'GroundTruth-SparseAnnotations'
    write_visor(root)
    return root


def test_an_action_is_shown_and_its_object_is_sought_in_another_frame(tree: Path) -> None:
    dataset = open_annotations(tree / 'annotations/train')

    assert dataset.action_names == ('take', 'open')
    door, cup = dataset
    assert door.sample_id == 'P01_01_0/door'
    assert door.video_path == tree / 'videos/P01_01.MP4'
    assert door.clip == (1.0, 3.0)
    assert door.actions == (1,)
    # A hand is in contact with the door in the frame after the action.
    image = tree / 'rgb_frames/train/P01/P01_01/P01_01_frame_0000000001.jpg'
    assert door.image_path == cup.image_path == image
    assert door.image_size == (96, 54)
    assert door.object_id == 'P01_01/door'
    assert door.origin == Origin('EPIC-KITCHENS VISOR', 'CC-BY-NC-4.0')
    (mask,) = door.masks
    assert mask is not None
    assert [each.tolist() for each in mask.outlines] == [[[60, 10], [80, 10], [80, 30], [60, 30]]]
    assert mask.contains(door.points[0]).all()
    # The plate is narrated too, but no hand is in contact with it.
    assert (cup.sample_id, cup.clip, cup.actions) == ('P01_01_1/cup', (5.0, 6.0), (0,))


def test_the_media_are_there(tree: Path) -> None:
    assert find_problems(open_annotations(tree / 'annotations/train'), progress=False) == []


def test_one_file_is_a_dataset_and_videos_may_lie_as_scripts_leave_them(tree: Path) -> None:
    (tree / 'P01/videos').mkdir(parents=True)
    (tree / 'videos/P01_01.MP4').rename(tree / 'P01/videos/P01_01.MP4')

    dataset = open_annotations(tree / 'annotations/train/P01_01.json')

    assert dataset[0].video_path == tree / 'P01/videos/P01_01.MP4'


@pytest.mark.parametrize(
    ('folder', 'path'),
    [('.', 'annotations/train'), ('annotations', 'train'), ('annotations/train', '.')],
)
def test_a_split_is_found_from_the_folders_above_it(
    tree: Path, folder: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree / folder)

    assert find_problems(open_annotations(Path(path)), progress=False) == []


def test_a_gloved_hand_is_in_contact_with_what_the_glove_is(tree: Path) -> None:
    # Of the same noun as the door, and seen without a hand, so that it might be taken for it.
    glove = entity('left glove', 3, 40, on_which_hand=['left hand'], in_contact_object='door-10')
    worn = frame(121, hand(glove['id']), glove, entity('door', 3))
    annotate(tree, worn, *FRAMES[1:], frame(400, entity('left glove', 3)))

    samples = open_annotations(tree / 'annotations/train')

    assert [sample.sample_id for sample in samples] == ['P01_01_0/door', 'P01_01_1/cup']


@pytest.mark.parametrize(
    'contact', ['hand-not-in-contact', 'none-of-the-above', 'inconclusive', None, 'lost-id']
)
def test_a_hand_in_contact_with_no_mask_gives_no_sample(tree: Path, contact: Any) -> None:
    annotate(tree, frame(121, hand(contact), entity('door', 3)), *FRAMES[1:])

    dataset = open_annotations(tree / 'annotations/train')

    assert [sample.sample_id for sample in dataset] == ['P01_01_1/cup']
    assert dataset.manifest.left_out == {'no frame of its noun in contact': 1, 'no frame': 1}


@pytest.mark.parametrize('change', [{'exhaustive': 'n'}, {'segments': [[[1, 2], [3, 4]]]}])
def test_an_object_that_is_not_segmented_whole_is_no_target(
    tree: Path, change: dict[str, Any]
) -> None:
    door = entity('door', 3, 60, **change)
    annotate(tree, FRAMES[0], frame(1, door, entity('cup', 13, 30)), *FRAMES[2:])

    dataset = open_annotations(tree / 'annotations/train')

    assert [sample.sample_id for sample in dataset] == ['P01_01_1/cup']
    assert dataset.manifest.left_out['no frame of the object without a hand'] == 1


def test_a_frame_of_the_action_itself_is_no_target(tree: Path) -> None:
    annotate(tree, frame(151, hand('none-of-the-above'), entity('door', 3)), *FRAMES)

    door = open_annotations(tree / 'annotations/train')[0]

    assert door.image_path.name == 'P01_01_frame_0000000001.jpg'


def test_all_instances_of_an_object_are_the_target(tree: Path) -> None:
    two = frame(1, entity('door', 3, 60), entity('door', 3, 5), entity('cup', 13, 30))
    annotate(tree, FRAMES[0], two, *FRAMES[2:])

    mask = open_annotations(tree / 'annotations/train')[0].masks[0]

    assert mask is not None
    assert mask.contains(np.array([[70, 20], [10, 20], [40, 20]], float)).tolist() == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ('file', 'text', 'expected'),
    [
        ('annotations/train/P01_01.json', '{"video_annotations": []}', 'no video_annotations'),
        ('annotations/train/P01_01.json', '{"video_annotations": [{}]}', "entry 0 of .*'image'"),
        ('frames_to_timestamps.json', '{"timestamps": {}}', 'has no time in frames_to_timestamps'),
        ('frames_to_timestamps.json', '[]', 'contains no timestamps'),
        (
            'epic-kitchens-100-annotations/EPIC_100_verb_classes.csv',
            'id,key\n1,take\n',
            'line 2 of .* id is 1; expected 0',
        ),
        (
            'epic-kitchens-100-annotations/EPIC_100_verb_classes.csv',
            'id,key\n0,take\n',
            'the verb of P01_01_0 is 1; expected 0 to 0',
        ),
        (
            'epic-kitchens-100-annotations/EPIC_100_train.csv',
            NARRATIONS.replace('00:00:03.00', '3', 1),
            'line 2 of .*EPIC_100_train.csv',
        ),
        (
            'epic-kitchens-100-annotations/EPIC_100_train.csv',
            NARRATIONS.splitlines()[0],
            'contains 0 samples',
        ),
    ],
)
def test_a_malformed_file_is_named(tree: Path, file: str, text: str, expected: str) -> None:
    (tree / file).write_text(text)

    with pytest.raises(DatasetError, match=expected):
        open_annotations(tree / 'annotations/train')


def test_missing_narrations_are_named(tree: Path) -> None:
    (tree / 'epic-kitchens-100-annotations/EPIC_100_train.csv').unlink()

    with pytest.raises(DatasetError, match=r'has neither EPIC_100_train.csv nor EPIC_100_val'):
        open_annotations(tree / 'annotations/train')
