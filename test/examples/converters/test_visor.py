# SPDX-License-Identifier: Apache-2.0
"""Annotations in the layout of VISOR to a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from afformer_core.licences import Origin
from afformer_core.media.video import write_video
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert

NARRATIONS = (
    'narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,'
    'start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n'
    'P01_01_0,P01,P01_01,00:00:01.089,00:00:01.00,00:00:03.00,60,180,open door,open,1,door,3,'
    "['door'],[3]\n"
    'P01_01_1,P01,P01_01,00:00:05.000,00:00:05.00,00:00:06.00,300,360,"take cup, plate",take,0,'
    'cup,13,"[\'cup\', \'plate\']","[13, 2]"\n'
    'P01_01_2,P01,P01_01,00:01:01.000,00:01:01.50,00:01:02.00,3690,3720,take pan,take,0,pan,5,'
    "['pan'],[5]\n"
    'P09_01_0,P09,P09_01,00:00:01.089,00:00:01.00,00:00:03.00,60,180,open door,open,1,door,3,'
    "['door'],[3]\n"
)
VERBS = 'id,key,instances,category\n0,take,"[\'take\']",retrieve\n1,open,"[\'open\']",access\n'


def entity(name: str, noun: int, x: float = 10, **more: Any) -> dict[str, Any]:
    """A square of 20 pixels, and two segments without area, as some have."""
    square = [[x, 10.0], [x + 20, 10.0], [x + 20, 30.0], [x, 30.0]]
    return {
        'id': f'{name}-{x}',
        'name': name,
        'class_id': noun,
        'exhaustive': 'y',
        'segments': [square, [], [[1.0, 2.0]]],
        **more,
    }


def hand(contact: Any, side: str = 'left hand') -> dict[str, Any]:
    return entity(side, 300, 40, exhaustive='n', in_contact_object=contact)


def frame(number: int, *entities: dict[str, Any]) -> dict[str, Any]:
    name = f'P01_01_frame_{number:010d}.jpg'
    return {
        'image': {
            'image_path': f'P01_01/{name}',
            'name': name,
            'subsequence': 'P01_01_seq_00001',
            'video': 'P01_01',
        },
        'annotations': list(entities),
    }


# At 60 frames a second, and not in their order.
FRAMES = [
    frame(121, hand('door-10'), entity('door', 3)),
    frame(1, hand('hand-not-in-contact'), entity('door', 3, 60), entity('cup', 13, 30)),
    frame(241, hand('door-10'), entity('door', 3)),
    frame(331, hand('cup-10'), entity('cup', 13), entity('plate', 2, 50)),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write the folder of the sparse annotations, with a video of 7 s."""
    root = tmp_path / 'tree'
    narrations = root / 'epic-kitchens-100-annotations'
    images = root / 'rgb_frames/train/P01/P01_01'
    for folder in (narrations, images, root / 'annotations/train', root / 'videos'):
        folder.mkdir(parents=True)
    (narrations / 'EPIC_100_train.csv').write_text(NARRATIONS)
    (narrations / 'EPIC_100_validation.csv').write_text(NARRATIONS.splitlines()[0])
    (narrations / 'EPIC_100_verb_classes.csv').write_text(VERBS)
    write_video(root / 'videos/P01_01.MP4', np.zeros((70, 48, 64, 3), np.uint8), 10.0)
    for number in (1, 121, 241, 331):
        PIL.Image.new('RGB', (96, 54)).save(images / f'P01_01_frame_{number:010d}.jpg')
    annotate(root, *FRAMES)
    return root


def annotate(root: Path, *frames: dict[str, Any]) -> None:
    content = {'video_annotations': list(frames)}
    (root / 'annotations/train/P01_01.json').write_text(json.dumps(content))
    times = {each['image']['name']: (number_of(each) - 1) / 60 for each in frames}
    content = {'info': 'All timestamps are in seconds', 'timestamps': times}
    (root / 'frames_to_timestamps.json').write_text(json.dumps(content))


def number_of(entry: dict[str, Any]) -> int:
    return int(entry['image']['name'][-14:-4])


def test_an_action_is_shown_and_its_object_is_sought_in_another_frame(
    tree: Path, convert: Convert
) -> None:
    dataset = convert('visor', 'train')

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
    # The plate is narrated too, but no hand is in contact with it.
    assert (cup.sample_id, cup.clip, cup.actions) == ('P01_01_1/cup', (5.0, 6.0), (0,))
    assert find_problems(dataset, progress=False) == []


def test_videos_may_lie_as_scripts_leave_them(tree: Path, convert: Convert) -> None:
    (tree / 'P01/videos').mkdir(parents=True)
    (tree / 'videos/P01_01.MP4').rename(tree / 'P01/videos/P01_01.MP4')

    assert convert('visor', 'train')[0].video_path == tree / 'P01/videos/P01_01.MP4'


GLOVE = entity('left glove', 3, 40, on_which_hand=['left hand'], in_contact_object='door-10')


@pytest.mark.parametrize(
    ('changed', 'shown'),
    [
        pytest.param(
            [frame(121, hand(GLOVE['id']), GLOVE, entity('door', 3)), FRAMES[1]],
            True,
            id='a glove on a hand is in contact with what it holds, and no object',
        ),
        pytest.param([frame(121, hand('lost-id'), entity('door', 3)), FRAMES[1]], False),
        pytest.param([frame(121, hand(None), entity('door', 3)), FRAMES[1]], False),
        pytest.param(
            [FRAMES[0], frame(1, entity('door', 3, 60, exhaustive='n'), entity('cup', 13))], False
        ),
        pytest.param(
            [FRAMES[0], frame(1, entity('door', 3, 60, segments=[[[1, 2]]]), entity('cup', 13))],
            False,
        ),
    ],
)
def test_the_object_must_be_touched_and_elsewhere_segmented_whole(
    changed: list[Any], shown: bool, tree: Path, convert: Convert
) -> None:
    annotate(tree, *changed, *FRAMES[2:], frame(400, entity('left glove', 3)))

    door = ['P01_01_0/door'] if shown else []
    assert [sample.sample_id for sample in convert('visor', 'train')] == [*door, 'P01_01_1/cup']


def test_all_instances_in_a_frame_outside_of_the_action_are_right(
    tree: Path, convert: Convert
) -> None:
    during = frame(151, hand('none-of-the-above'), entity('door', 3))
    two = frame(1, entity('door', 3, 60), entity('door', 3, 5), entity('cup', 13, 30))
    annotate(tree, during, FRAMES[0], two, *FRAMES[2:])

    door = convert('visor', 'train')[0]

    assert door.image_path.name == 'P01_01_frame_0000000001.jpg'
    (mask,) = door.masks
    assert mask is not None
    points = np.array([[70, 20], [10, 20], [40, 20]], float)
    assert mask.contains(points).tolist() == [True, True, False]
