# SPDX-License-Identifier: Apache-2.0
"""Folders of one's own pairs, their tables as spreadsheets write them, and mistakes in both."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.video import write_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.folder_pairs import (
    PointRow,
    point_table_text,
    read_media,
    read_point_table,
)
from afformer_core.offline.data.verification import find_problems

HEADER = 'demonstration,image,action,x,y\n'
ESPRESSO = (
    HEADER
    + 'press.mp4,kitchen.jpg,press,10,20\n'
    + 'turn,kitchen.jpg,turn,40,5.5\n'
    + 'press.mp4,kitchen.jpg,hold,11,21\n'
    + 'press.mp4,kitchen.jpg,press,12,22\n'
    + 'press.mp4,office.png,press,1,2\n'
)


def write_object(folder: Path, table: str) -> None:
    """`press.mp4`, the frames `turn`, `kitchen.jpg` of 64x48 and `office.png` of 32x24."""
    (folder / 'demonstrations' / 'turn').mkdir(parents=True)
    (folder / 'images').mkdir()
    write_video(folder / 'demonstrations/press.mp4', np.zeros((3, 48, 64, 3), np.uint8), 10.0)
    for number in range(3):
        PIL.Image.new('RGB', (64, 48)).save(folder / f'demonstrations/turn/{number}.jpg')
    PIL.Image.new('RGB', (64, 48)).save(folder / 'images/kitchen.jpg')
    PIL.Image.new('RGB', (32, 24)).save(folder / 'images/office.png')
    (folder / 'points.csv').write_text(table)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two objects; `.trash`, `features` and `notes.txt` are none."""
    folder = tmp_path / 'pairs'
    write_object(folder / 'espresso', ESPRESSO)
    write_object(folder / 'dishwasher', HEADER + 'turn,office.png,pull,31.9,23.9\n')
    (folder / '.trash').mkdir()
    (folder / '.trash' / 'points.csv').write_text('not a table')
    (folder / 'features').mkdir()
    (folder / 'notes.txt').touch()
    return folder


def test_each_pair_of_a_table_is_a_sample(pairs: Path) -> None:
    dataset = open_annotations(pairs)
    assert dataset.action_names == ('hold', 'press', 'pull', 'turn')
    assert [sample.sample_id for sample in dataset] == [
        'dishwasher/turn/office.png',
        'espresso/press.mp4/kitchen.jpg',
        'espresso/turn/kitchen.jpg',
        'espresso/press.mp4/office.png',
    ]
    sample = dataset[1]
    assert sample.video_path == pairs / 'espresso/demonstrations/press.mp4'
    assert sample.image_path == pairs / 'espresso/images/kitchen.jpg'
    assert sample.image_size == (64, 48)
    assert [dataset.action_names[action] for action in sample.actions] == ['press', 'hold']
    assert sample.points[0].tolist() == [[10.0, 20.0], [12.0, 22.0]]
    assert sample.points[1].tolist() == [[11.0, 21.0]]
    assert [sample.object_id for sample in dataset] == ['dishwasher', *['espresso'] * 3]
    # A single object needs no folder of its own.
    alone = open_annotations(pairs / 'espresso')
    assert (alone[0].sample_id, alone[0].object_id) == ('press.mp4/kitchen.jpg', '.')


@pytest.mark.parametrize(
    ('name', 'content'),
    [
        ('actions.txt', 'turn\npress\nhold\npull\npush\n'),
        ('actions.json', '["turn", "press", "hold", "pull", "push"]'),
    ],
)
def test_actions_may_be_named_in_an_order_of_their_own(
    pairs: Path, name: str, content: str
) -> None:
    (pairs / name).write_text(content)
    dataset = open_annotations(pairs)
    assert dataset.action_names == ('turn', 'press', 'hold', 'pull', 'push')
    assert dataset[1].actions == (1, 2)
    (pairs / 'actions.txt').write_text('press\npull\nturn\n')
    (pairs / 'actions.json').unlink(missing_ok=True)
    with pytest.raises(
        DatasetError,
        match=r"line 4 of .*espresso/points\.csv: action is 'hold'; expected one of press",
    ):
        open_annotations(pairs)
    (pairs / 'actions.json').write_text('["press"]')
    with pytest.raises(DatasetError, match=r'both actions\.txt and actions\.json'):
        open_annotations(pairs)


def test_two_spellings_of_a_folder_are_one_demonstration(pairs: Path) -> None:
    rows = 'turn,kitchen.jpg,turn,1,2\nturn/,kitchen.jpg,turn,3,4\n'
    (pairs / 'espresso/points.csv').write_text(HEADER + rows)
    (sample,) = open_annotations(pairs / 'espresso')
    assert sample.points[0].tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        (
            'press.mp4,garden.jpg,press,1,2',
            r'espresso/images/garden\.jpg does not exist; expected an image',
        ),
        ('press.mp4,../points.csv,press,1,2', r'points\.csv cannot be read as an image'),
        ('press.mp4,office.png,press,32,2', r'\(32, 2\); expected one within .* 32x24'),
        ('press.mp4,office.png,press,1,-0.5', r'\(1, -0\.5\); expected one within office\.png'),
    ],
)
def test_a_mistake_is_named_with_file_and_line(pairs: Path, row: str, message: str) -> None:
    with (pairs / 'espresso/points.csv').open('a') as file:
        file.write(row)
    with pytest.raises(DatasetError, match=rf'line 7 of .*espresso/points\.csv: .*{message}'):
        open_annotations(pairs)


def test_points_of_a_photo_that_is_shown_turned(pairs: Path) -> None:
    image = PIL.Image.new('RGB', (64, 48))
    exif = image.getexif()
    exif[274] = 6
    image.save(pairs / 'espresso/images/kitchen.jpg', exif=exif)
    (pairs / 'espresso/points.csv').write_text(HEADER + 'turn,kitchen.jpg,turn,40,60\n')
    dataset = open_annotations(pairs / 'espresso')
    assert dataset[0].image_size == (48, 64)
    assert find_problems(dataset) == []


@pytest.mark.parametrize(
    ('name', 'advice'),
    [('empty', 'afformer studio --pairs .*empty`'), ('absent', 'does not exist; expected')],
)
def test_a_folder_without_a_table_is_refused(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=f'{name}.*{advice}'):
        open_annotations(tmp_path / name)


@pytest.mark.parametrize('media', ['demonstrations', 'images'])
def test_an_object_whose_table_is_misspelt_is_warned_of(pairs: Path, media: str) -> None:
    (pairs / 'mug' / media).mkdir(parents=True)
    (pairs / 'mug' / 'point.csv').write_text(ESPRESSO)
    with pytest.warns(match=f'{pairs}/mug is left out: it has {media} but no points.csv'):
        open_annotations(pairs)


def test_media_elsewhere_without_a_table_are_told(pairs: Path, tmp_path: Path) -> None:
    """Media of objects that no folder beside the tables names may be of another split."""
    tables = tmp_path / 'tables'
    (tables / 'espresso').mkdir(parents=True)
    (pairs / 'espresso/points.csv').rename(tables / 'espresso/points.csv')
    dataset = open_annotations(tables, root=pairs)
    assert dataset[0].image_path == pairs / 'espresso/images/kitchen.jpg'
    (tables / 'dishwasher').mkdir()
    with pytest.warns(match=f'{tables}/dishwasher is left out'):
        open_annotations(tables, root=pairs)


def test_media_are_listed_with_and_without_a_table(pairs: Path) -> None:
    (pairs / 'espresso/points.csv').unlink()
    (pairs / 'espresso/images/notes.txt').touch()
    dishwasher, espresso = read_media(pairs)
    assert espresso == replace(
        espresso,
        table=pairs / 'espresso/points.csv',
        demonstrations=tuple(pairs / 'espresso/demonstrations' / n for n in ('press.mp4', 'turn')),
        images=tuple(pairs / 'espresso/images' / n for n in ('kitchen.jpg', 'office.png')),
    )
    assert dishwasher.table.is_file()
    shutil.rmtree(pairs / 'espresso/images')
    for folder, message in (
        (pairs, 'images is missing or empty. Put images'),
        (pairs / 'features', 'Put the videos of an object into the former'),
        (pairs / 'nowhere', 'does not exist; expected a folder of pairs'),
    ):
        with pytest.raises(DatasetError, match=message):
            read_media(folder)


ROW = 'a.mp4,a.jpg,press,3,4.5\n'


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / 'points.csv'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_have_the_numbers_of_their_lines(tmp_path: Path) -> None:
    rows = read_point_table(written(tmp_path, HEADER + ROW + '\n' + 'b,"b, c.jpg",turn,0,-1e1'))
    assert rows == (
        PointRow(2, 'a.mp4', 'a.jpg', 'press', 3.0, 4.5),
        PointRow(4, 'b', 'b, c.jpg', 'turn', 0.0, -10.0),
    )


def test_columns_may_have_any_order_and_blanks(tmp_path: Path) -> None:
    (row,) = read_point_table(
        written(tmp_path, 'y, x ,image,action,demonstration\n4.5, 3 ,a.jpg,press , a.mp4\n')
    )
    assert row == PointRow(2, 'a.mp4', 'a.jpg', 'press', 3.0, 4.5)


def test_what_a_spreadsheet_writes(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf' + (HEADER + ROW + ',,,,\n').replace('\n', '\r\n').encode()
    assert len(read_point_table(written(tmp_path, content))) == 1


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', r"line 1 of .*points\.csv: the column 'demonstration' is missing"),
        (ROW, r"line 1 of .*: the column 'a\.mp4' is unknown"),
        (HEADER.replace(',', ';'), 'columns demonstration, image, .* separated by commas'),
        (HEADER.replace('x,y', 'x,x'), "line 1 of .*: the column 'x' appears twice"),
        (HEADER, r'points\.csv has no row'),
        (
            HEADER + ROW + 'a.mp4,a.jpg,press,3\n',
            r'line 3 of .*points\.csv: there are 4 values; expected 5',
        ),
        (HEADER + 'a.mp4,a.jpg,press,3,4,5\n', r'line 2 of .*: there are 6 values; expected 5'),
        (HEADER + ROW + 'a.mp4,,press,3,4\n', r'line 3 of .*: image is empty'),
        (HEADER + 'a.mp4,a.jpg,press,three,4\n', "line 2 of .*: x is 'three'; expected a number"),
        (HEADER + 'a.mp4,a.jpg,press,3,nan\n', 'line 2 of .*: y is nan; expected a finite number'),
        (HEADER + ROW + ROW.replace('3', '3.0'), 'line 3 of .*: it repeats line 2'),
        (HEADER + 'a.mp4,"a.jpg,press,3,4\n', r'line 2 of .*points\.csv: unexpected end'),
    ],
)
def test_a_mistake_in_a_table_is_named_with_file_and_line(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_point_table(written(tmp_path, content))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='not text in UTF-8'):
        read_point_table(written(tmp_path, (HEADER + ROW).encode('utf-16')))


def test_a_table_that_is_written_is_read_again(tmp_path: Path) -> None:
    rows = (
        PointRow(2, 'press, left.mp4', 'kit"chen.jpg', 'press', 1234567.126, 0.0),
        PointRow(3, 'turn', 'kitchen.jpg', 'turn', 40.0, 5.5),
    )
    (tmp_path / 'points.csv').write_text(point_table_text(rows))

    first, second = read_point_table(tmp_path / 'points.csv')

    assert (first.demonstration, first.image) == ('press, left.mp4', 'kit"chen.jpg')
    assert (first.x, first.y) == (1234567.13, 0.0)
    assert second == rows[1]
