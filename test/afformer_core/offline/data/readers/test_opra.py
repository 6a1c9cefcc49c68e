# SPDX-License-Identifier: Apache-2.0
"""The reader of OPRA's annotations."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.offline.data.annotations import open_annotations

ENTRY = {
    'image_path': 'datasets/opra/images/a/0.jpg',
    'width': 256,
    'height': 192,
    'actions': [3, 3],
    'heatmaps': [[[1.5, 2.0], [300.0, -4.0]], [[5.0, 6.0]]],
    'video_path': 'datasets/opra/clips/a/0.mp4',
}


def write(folder: Path, *entries: Any) -> Path:
    path = folder / 'test.json'
    path.write_text(json.dumps(list(entries)))
    return path


def test_the_released_test_annotations(test_data: Path) -> None:
    dataset = open_annotations(test_data / 'opra' / 'test.json')
    assert len(dataset) == 3777
    assert sum(len(set(sample.actions)) for sample in dataset) == 3785
    assert len({sample.image_path for sample in dataset}) == 252
    assert len({sample.video_path for sample in dataset}) == 2002
    assert {points.shape for sample in dataset for points in sample.points} == {(10, 2)}
    coffee = dataset[3343]
    assert dataset.action_names[coffee.actions[0]] == 'push'
    assert coffee.video_path == test_data / 'opra/clips/seattle/1/193/217.5_6.5.mp4'
    assert coffee.video_path.exists()


def test_reads_where_each_frame_shows_the_contact(tmp_path: Path) -> None:
    acted_on = {'contact_point': [[0.0, 0.0], None, [319.5, 119.5]], 'clip_size': [320, 240]}

    sample = open_annotations(write(tmp_path, {**ENTRY, **acted_on}))[0]

    assert sample.contact_points == ((0.5 / 320, 0.5 / 240), None, (1.0, 0.5))
    assert open_annotations(write(tmp_path, ENTRY))[0].contact_points is None


def test_a_photograph_is_the_object_of_its_scenes(tmp_path: Path) -> None:
    annotations = write(tmp_path, {**ENTRY, 'photograph': 'coffee.png'}, ENTRY)

    over_photograph, other = open_annotations(annotations)
    assert (over_photograph.object_id, other.object_id) == ('coffee.png', None)
    assert over_photograph.origin == Origin('afformer simulate, over photographs')
    assert other.origin == Origin('OPRA')


def test_reads_an_entry_as_it_is(tmp_path: Path) -> None:
    sample = open_annotations(write(tmp_path, ENTRY), root=tmp_path / 'media')[0]
    assert sample.sample_id == 'test/0'
    assert sample.image_path == tmp_path / 'media/images/a/0.jpg'
    assert sample.video_path == tmp_path / 'media/clips/a/0.mp4'
    assert sample.image_size == (256, 192)
    assert sample.actions == (2, 2)
    np.testing.assert_array_equal(sample.points[0], [[1.5, 2.0], [300.0, -4.0]])
    np.testing.assert_array_equal(sample.points[1], [[5.0, 6.0]])
    assert sample.scene is None
    assert sample.contact is None


def test_reads_the_contact_of_a_simulated_entry(tmp_path: Path) -> None:
    assert open_annotations(write(tmp_path, {**ENTRY, 'contact': [12, 40]}))[0].contact == (12, 40)
    assert open_annotations(write(tmp_path, {**ENTRY, 'contact': None}))[0].contact is None


def test_action_names_beside_the_annotations_replace_those_of_opra(tmp_path: Path) -> None:
    (tmp_path / 'actions.json').write_text('["press", "hold", "pull"]')
    dataset = open_annotations(write(tmp_path, ENTRY))
    assert dataset.action_names == ('press', 'hold', 'pull')


def test_reads_the_scene_of_a_simulated_entry(tmp_path: Path) -> None:
    square = {'kind': 'button', 'polygon': [[0, 0], [4, 0], [4, 4]], 'in_view': True}
    other = {'kind': 'knob', 'polygon': [[-3, 0], [4, 0], [4, 4]], 'in_view': False}
    entry = {**ENTRY, 'scene': 'test/00007', 'element': 1, 'elements': [square, other]}
    sample = open_annotations(write(tmp_path, entry))[0]
    assert sample.origin == Origin('afformer simulate', 'Apache-2.0')
    scene = sample.scene
    assert scene is not None
    assert (scene.scene_id, scene.element) == ('test/00007', 1)
    assert scene.kinds == ('button', 'knob')
    assert scene.in_view == (True, False)
    np.testing.assert_array_equal(scene.polygons[1], [[-3, 0], [4, 0], [4, 4]])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'actions': [8, 1]}, 'action is 8; expected 1 to 7'),
        ({'actions': [0, 1]}, 'action is 0; expected 1 to 7'),
        ({'actions': [1]}, '1 actions and 2 sets of points'),
        ({'actions': [], 'heatmaps': []}, 'it has no action'),
        ({'heatmaps': [[[1, 2, 3]], [[1, 2]]]}, 'expected a list of 2 numbers'),
        ({'heatmaps': [[], [[1, 2]]]}, 'expected a list of at least 1'),
        ({'heatmaps': [[[1, float('nan')]], [[1, 2]]]}, 'expected a finite number'),
        ({'width': 0}, 'target_size is 0; expected a whole number of at least 1'),
        ({'width': None}, 'entry 1'),
        (
            {'scene': 'a', 'element': 3, 'elements': []},
            'polygons of scene is .*; expected a list of at least 1',
        ),
        ({'contact': [40, 12]}, 'contact goes from frame 40 to 12'),
        ({'contact': [12]}, 'contact_frames is .*; expected a list of 2 numbers'),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=rf'entry 1 of .*{message}|{message}'):
        open_annotations(write(tmp_path, ENTRY, {**ENTRY, **change}))


def test_an_entry_without_a_key_is_named(tmp_path: Path) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != 'video_path'}
    with pytest.raises(DatasetError, match=r"entry 0 of .* has no 'video_path'"):
        open_annotations(write(tmp_path, entry))


@pytest.mark.parametrize(('text', 'message'), [('3', 'a list'), ('[', 'not JSON')])
def test_a_file_that_holds_something_else_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / 'test.json').write_text(text)
    with pytest.raises(DatasetError, match=message):
        open_annotations(tmp_path / 'test.json')


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'absent\.json does not exist; expected'):
        open_annotations(tmp_path / 'absent.json')
