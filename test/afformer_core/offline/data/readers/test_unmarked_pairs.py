# SPDX-License-Identifier: Apache-2.0
"""Own pairs whose points are still to be marked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.readers.unmarked_pairs import read_unmarked_pairs

HEADER = 'demonstration,image,action,x,y\n'
PULL = 'turn,kitchen.png,pull,31,23\n'
PRESS = 'press.mp4,kitchen.png,press,10,20\npress.mp4,office.png,press,1,2\n'


def write_object(folder: Path, rows: str | None) -> None:
    """Write names of media, whose contents are not read, and a table if there are rows."""
    (folder / 'demonstrations' / 'turn').mkdir(parents=True)
    (folder / 'images').mkdir()
    for name in ('demonstrations/press.mp4', 'images/kitchen.png', 'images/office.png'):
        (folder / name).touch()
    if rows is not None:
        (folder / 'points.csv').write_text(HEADER + rows)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two objects with tables."""
    write_object(tmp_path / 'espresso', PRESS)
    write_object(tmp_path / 'drawer', PULL)
    (tmp_path / 'actions.txt').write_text('press\nturn\npull\nlift\n')
    return tmp_path


@pytest.fixture
def unmarked(tmp_path: Path) -> Path:
    """An object without a table."""
    write_object(tmp_path / 'espresso', None)
    return tmp_path


def test_media_of_an_object_without_a_table(unmarked: Path) -> None:
    (unmarked_object,) = read_unmarked_pairs(unmarked).objects
    assert [path.name for path in unmarked_object.demonstrations] == ['press.mp4', 'turn']
    assert [path.name for path in unmarked_object.images] == ['kitchen.png', 'office.png']
    assert unmarked_object.table == unmarked / 'espresso/points.csv'
    assert unmarked_object.rows == ()


def test_tables_and_actions_that_are_there(pairs: Path) -> None:
    read = read_unmarked_pairs(pairs)
    assert [len(unmarked_object.rows) for unmarked_object in read.objects] == [1, 2]
    assert read.action_names == ('press', 'turn', 'pull', 'lift')


def test_a_folder_without_media(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='Put the videos of an object into the former'):
        read_unmarked_pairs(tmp_path)
    with pytest.raises(DatasetError, match='does not exist; expected a folder of pairs'):
        read_unmarked_pairs(tmp_path / 'nowhere')


def test_an_object_without_images(unmarked: Path) -> None:
    shutil.rmtree(unmarked / 'espresso/images')
    with pytest.raises(DatasetError, match='images is missing or empty'):
        read_unmarked_pairs(unmarked)
