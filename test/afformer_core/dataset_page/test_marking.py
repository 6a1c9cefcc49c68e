# SPDX-License-Identifier: Apache-2.0
"""Points marked in a browser, and the table that comes of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.data.annotations import open_annotations
from afformer_core.data.readers.unmarked_pairs import read_unmarked_pairs
from afformer_core.dataset_page.marking import write_marking_page
from afformer_core.errors import DatasetError, VideoError

HEADER = 'demonstration,image,action,x,y\n'


def test_media_of_an_object_without_a_table(unmarked: Path) -> None:
    (unmarked_object,) = read_unmarked_pairs(unmarked).objects
    assert [path.name for path in unmarked_object.demonstrations] == ['press.mp4', 'turn']
    assert [path.name for path in unmarked_object.images] == ['kitchen.png', 'office.png']
    assert unmarked_object.table == unmarked / 'espresso/points.csv'
    assert unmarked_object.rows == ()


def test_tables_and_actions_that_are_there(pairs: Path) -> None:
    read = read_unmarked_pairs(pairs)
    assert [len(unmarked_object.rows) for unmarked_object in read.objects] == [1, 4]
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


def test_a_demonstration_that_is_no_video(unmarked: Path, tmp_path: Path) -> None:
    (unmarked / 'espresso/demonstrations/notes.txt').write_text('press hard')
    with pytest.raises(VideoError, match=r'notes\.txt is not a video'):
        write_marking_page(tmp_path / 'points.html', unmarked, progress=False)
    assert not (tmp_path / 'points.html').exists()


@pytest.fixture
def page(unmarked: Path, tmp_path: Path, tab: Any) -> Any:
    """The page of `unmarked`, opened."""
    write_marking_page(tmp_path / 'points.html', unmarked, progress=False)
    tab.goto((tmp_path / 'points.html').as_uri())
    return tab


SIZES = {'kitchen.png': (64, 48), 'office.png': (32, 24)}


def click(page: Any, image: str, x: int, y: int, size: tuple[int, int] | None = None) -> None:
    """Click into the middle of a pixel of an image, however large the image is drawn."""
    width, height = size or SIZES[image]
    surface = page.locator(f'.surface[data-image="{image}"]')
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    across, down = (x + 0.5) / width, (y + 0.5) / height
    page.mouse.click(box['x'] + across * box['width'], box['y'] + down * box['height'])


def table(page: Any) -> str:
    text: str = page.locator('textarea').input_value()
    return text


def test_clicks_become_rows_in_pixels_of_the_image(page: Any) -> None:
    page.fill('input[name="action"]', 'press')
    click(page, 'kitchen.png', 16, 24)
    page.set_viewport_size({'width': 400, 'height': 600})
    click(page, 'kitchen.png', 32, 12)
    page.check('input[value="turn"]')
    page.fill('input[name="action"]', 'turn')
    click(page, 'office.png', 31, 23)
    rows = 'press.mp4,kitchen.png,press,16,24\npress.mp4,kitchen.png,press,32,12\n'
    assert table(page) == HEADER + rows + 'turn,office.png,turn,31,23\n'


def test_the_table_is_what_training_reads(page: Any, unmarked: Path) -> None:
    page.fill('input[name="action"]', 'press, gently')
    click(page, 'kitchen.png', 16, 24)
    with page.expect_download() as download:
        page.click('text=Download points.csv')
    assert download.value.suggested_filename == 'points.csv'
    download.value.save_as(unmarked / 'espresso/points.csv')
    (sample,) = open_annotations(unmarked)
    assert sample.sample_id == 'espresso/press.mp4/kitchen.png'
    assert [points.tolist() for points in sample.points] == [[[16.0, 24.0]]]
    assert open_annotations(unmarked).action_names == ('press, gently',)


def test_an_action_must_be_named_first(page: Any) -> None:
    click(page, 'kitchen.png', 32, 24)
    assert table(page) == HEADER
    assert page.locator('.message').inner_text() == 'Name the action first.'
    assert page.locator('.download').is_disabled()


def test_marks_can_be_taken_away(page: Any) -> None:
    page.fill('input[name="action"]', 'press')
    for x in (12, 32, 51):
        click(page, 'kitchen.png', x, 24)
    click(page, 'kitchen.png', 32, 24)
    assert table(page) == HEADER + ''.join(
        f'press.mp4,kitchen.png,press,{x},24\n' for x in (12, 51)
    )
    page.click('text=Undo')
    assert table(page) == HEADER + 'press.mp4,kitchen.png,press,12,24\n'
    assert page.locator('.mark').count() == 1


def test_marks_of_a_table_are_shown_where_they_lie(pairs: Path, tmp_path: Path, tab: Any) -> None:
    write_marking_page(tmp_path / 'points.html', pairs, progress=False)
    tab.goto((tmp_path / 'points.html').as_uri())
    espresso = tab.locator('section.object').nth(1)
    assert (
        espresso.locator('textarea').input_value() == (pairs / 'espresso/points.csv').read_text()
    )
    surface, mark = espresso.locator('.surface').nth(1), espresso.locator('.mark[title*="1, 2"]')
    box, middle = surface.bounding_box(), mark.last.bounding_box()
    x = (middle['x'] + middle['width'] / 2 - box['x']) / box['width'] * 32
    y = (middle['y'] + middle['height'] / 2 - box['y']) / box['height'] * 24
    assert (x, y) == (pytest.approx(1.5, abs=0.1), pytest.approx(2.5, abs=0.1))


def test_a_large_image_is_marked_in_its_own_pixels(
    unmarked: Path, tmp_path: Path, tab: Any
) -> None:
    image = np.zeros((1500, 4000, 3), np.uint8)
    cv2.imwrite(str(unmarked / 'espresso/images/office.png'), image)
    write_marking_page(tmp_path / 'points.html', unmarked, progress=False)
    tab.goto((tmp_path / 'points.html').as_uri())
    tab.fill('input[name="action"]', 'press')
    click(tab, 'office.png', 2000, 750, (4000, 1500))
    *_, x, y = table(tab).strip().split(',')
    assert abs(int(x) - 2000) <= 5
    assert abs(int(y) - 750) <= 5
