# SPDX-License-Identifier: Apache-2.0
"""Facts of a sample, the fields that it refuses, and the files that annotate a folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.annotations import annotating_files
from afformer_core.offline.data.sample import KnownElements, Sample

WHOLE = Sample(
    sample_id='train/0',
    video_path=Path('kettle/video.mov'),
    image_path=Path('kettle.jpg'),
    image_size=(40, 30),
    actions=(0,),
    points=(np.zeros((1, 2)),),
)


def test_parts_of_one_video_are_demonstrations_of_their_own() -> None:
    first, second = replace(WHOLE, clip=(0.0, 4.0)), replace(WHOLE, clip=(4.0, 7.25))
    assert WHOLE.demonstration == 'kettle/video.mov'
    assert first.demonstration == 'kettle/video.mov#t=0.0,4.0'
    assert second.demonstration == 'kettle/video.mov#t=4.0,7.25'


@pytest.mark.parametrize(
    'clip', [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (0.0, float('inf')), (float('nan'), 2.0)]
)
def test_a_clip_out_of_order_is_refused(clip: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match='expected a start of at least 0 s and a later end'):
        replace(WHOLE, clip=clip)


def test_samples_of_one_image_are_a_group_and_simulated_ones_those_of_one_scene() -> None:
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]])
    simulated = replace(WHOLE, scene=KnownElements('train-7', 0, (corners,), ('button',), (True,)))

    assert WHOLE.group == 'kettle.jpg'
    assert simulated.group == 'train-7'


def test_points_of_an_action_that_occurs_twice_are_together() -> None:
    points = tuple(np.array([[x, 0.0]]) for x in (1.0, 2.0, 3.0))
    sample = replace(WHOLE, actions=(4, 1, 4), points=points)

    assert {action: each.tolist() for action, each in sample.points_by_action.items()} == {
        4: [[1.0, 0.0], [3.0, 0.0]],
        1: [[2.0, 0.0]],
    }
    assert list(sample.points_by_action) == [4, 1]


def test_the_tables_of_your_own_pairs_annotate_a_folder(tmp_path: Path) -> None:
    names = (
        'actions.txt',
        'kettle/points.csv',
        'tap/points.csv',
        'tap/images/a.jpg',
        'pairs.json',
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert annotating_files(tmp_path) == [tmp_path / names[n] for n in (1, 2, 4)]
    assert annotating_files(tmp_path / 'pairs.json') == [tmp_path / 'pairs.json']
    assert annotating_files(tmp_path / 'absent.json') == []
