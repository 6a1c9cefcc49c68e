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
    assert (sample.scene, sample.contact, sample.contact_points) == (None, None, None)


def test_reads_the_scene_of_a_simulated_entry(tmp_path: Path) -> None:
    square = {'kind': 'button', 'polygon': [[0, 0], [4, 0], [4, 4]], 'in_view': True}
    other = {'kind': 'knob', 'polygon': [[-3, 0], [4, 0], [4, 4]], 'in_view': False}
    contact = {'contact': [12, 40], 'contact_point': [None, [319.5, 119.5]]}
    scene = {'scene': 'test/00007', 'element': 1, 'elements': [square, other]}
    # They replace those of OPRA.
    (tmp_path / 'actions.json').write_text('["press", "hold", "pull"]')
    entry = {**ENTRY, **scene, **contact, 'clip_size': [320, 240]}
    dataset = open_annotations(write(tmp_path, entry))
    sample = dataset[0]
    assert sample.origin == Origin('afformer simulate', 'Apache-2.0')
    assert sample.scene is not None
    assert (sample.scene.scene_id, sample.scene.element) == ('test/00007', 1)
    assert sample.scene.kinds == ('button', 'knob')
    assert (sample.contact, sample.contact_points) == ((12, 40), (None, (1.0, 0.5)))
    assert dataset.action_names == ('press', 'hold', 'pull')
    assert sample.scene.in_view == (True, False)
    np.testing.assert_array_equal(sample.scene.polygons[1], [[-3, 0], [4, 0], [4, 4]])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'actions': [8, 1]}, 'action is 8; expected 1 to 7'),
        ({'actions': [0, 1]}, 'action is 0; expected 1 to 7'),
        ({'actions': [1]}, '1 actions and 2 sets of points'),
        ({'actions': [], 'heatmaps': []}, 'it has no action'),
        ({'heatmaps': [[[1, float('nan')]], [[1, 2]]]}, 'expected a finite number'),
        ({'width': 0}, 'target_size is 0; expected a whole number of at least 1'),
        ({'width': None}, 'entry 1'),
        (
            {'scene': 'a', 'element': 3, 'elements': []},
            'polygons of scene is .*; expected a list of at least 1',
        ),
        ({'contact': [40, 12]}, 'contact goes from frame 40 to 12'),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=rf'entry 1 of .*{message}|{message}'):
        open_annotations(write(tmp_path, ENTRY, {**ENTRY, **change}))


POINTS = '10 20 30.5 40 -5 3 70 -0.25 1 2 3 4 5 6 7 8 9 10 300 47'
LINE = f'seattle 1 193 217.50 6.5 MAT_1.jpg 48 64 4 {POINTS}'
EXPECTED = [
    [10, 20], [30.5, 40], [-5, 3], [70, -0.25], [1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [300, 47],
]  # fmt: skip


def write_text(folder: Path, *lines: str) -> Path:
    path = folder / 'data' / 'annotations' / 'test.txt'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(lines))
    return path


def replaced(field: int, text: str) -> str:
    fields = LINE.split(' ')
    fields[field] = text
    return ' '.join(fields)


def test_reads_a_line_as_it_is(tmp_path: Path) -> None:
    path = write_text(tmp_path, LINE + '\n')
    dataset = open_annotations(path)
    (sample,) = dataset
    (elsewhere,) = open_annotations(path, tmp_path / 'media')
    assert elsewhere.video_path == tmp_path / 'media/clips/seattle/1/193/217.50_6.5.mp4'
    assert sample.sample_id == 'test/0'
    assert sample.video_path == tmp_path / 'data/clips/seattle/1/193/217.50_6.5.mp4'
    assert sample.image_path == tmp_path / 'data/images/seattle/1/193/MAT_1.jpg'
    assert sample.image_size == (64, 48)
    assert [dataset.action_names[action] for action in sample.actions] == ['push']
    assert sample.points[0].dtype == np.float64
    assert sample.points[0].tolist() == EXPECTED


def test_lines_of_one_clip_and_image_are_one_sample(tmp_path: Path) -> None:
    elsewhere = replaced(5, 'MAT_2.jpg')
    again = LINE.replace(' 4 10 20 ', ' 4 11 21 ')
    dataset = open_annotations(write_text(tmp_path, LINE, elsewhere, again, replaced(8, '2')))
    assert [sample.sample_id for sample in dataset] == ['test/0', 'test/1']
    assert dataset[0].actions == (3, 3, 1)
    assert [points[0].tolist() for points in dataset[0].points] == [[10, 20], [11, 21], [10, 20]]
    assert dataset[1].actions == (3,)


def test_empty_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    lines = ('', LINE, '  ', replaced(5, 'MAT_2.jpg'), '', replaced(8, '9'))
    path = write_text(tmp_path, *lines[:5])
    assert len(open_annotations(path)) == 2
    path.write_text('\n'.join(lines))
    with pytest.raises(DatasetError, match=r'line 6 of .*test\.txt: action is 9'):
        open_annotations(path)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (LINE + ' 7', 'the number of fields is 30; expected 29'),
        (replaced(3, 'soon'), "a number is 'soon'; expected a finite one"),
        (replaced(4, 'nan'), "a number is 'nan'; expected a finite one"),
        (replaced(7, '0'), 'the image is 0x48; expected sides of at least 1'),
        (replaced(8, '8'), 'action is 8; expected 1 to 7'),
        (replaced(8, 'push'), 'action is push; expected 1 to 7'),
        (replaced(28, 'inf'), "a number is 'inf'; expected a finite one"),
        (replaced(28, '4,7'), "a number is '4,7'; expected a finite one"),
        (replaced(6, '96'), 'its image is 64x96; expected 64x48 as in an earlier line'),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DatasetError, match=rf'line 2 of .*test\.txt: {message}'):
        open_annotations(write_text(tmp_path, LINE, line))
