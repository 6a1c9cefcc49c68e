# SPDX-License-Identifier: Apache-2.0
"""Annotations in the layout of VISOR to a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.licences import Origin
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert
from .visor_files import FRAMES, annotate, entity, frame, hand, write_visor


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_visor(tmp_path / 'tree')
    return tmp_path / 'tree'


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
