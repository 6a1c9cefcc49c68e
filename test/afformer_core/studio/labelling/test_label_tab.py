# SPDX-License-Identifier: Apache-2.0
"""Points of own pairs, marked in a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.demonstrations.media import read_demonstration
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.media.images import read_image, write_image
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.folder_pairs import PointRow, read_point_table
from afformer_core.offline.data.verification import find_problems
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.shipped_model import SHIPPED, model_folder
from test.waiting import wait_until

# A finger that is dragged to the right, if at all; returns whether it may scroll the page.
FINGER = """([x, y, right]) => {
  const root = document.querySelector('.marked');
  const finger = { pointerType: 'touch', isPrimary: true, clientY: y };
  root.setPointerCapture = () => {};
  for (const [kind, by] of right ? [['pointerdown', 0], ['pointerup', right]] : [])
    root.dispatchEvent(new PointerEvent(kind, { ...finger, clientX: x + by }));
  const touch = new Touch({ identifier: 1, target: root, clientX: x, clientY: y });
  return root.dispatchEvent(new TouchEvent('touchstart', { cancelable: true, touches: [touch] }));
}"""


@pytest.fixture(autouse=True)
def _unmarked(pairs: Path) -> Iterator[None]:
    """Leave the folder without points to the next test."""
    yield
    (pairs / 'cup/points.csv').unlink(missing_ok=True)


@pytest.fixture
def sixty_images(pairs: Path) -> Iterator[None]:
    """More images of the same object."""
    paths = [pairs / f'cup/images/d_{number:02}.png' for number in range(60)]
    for path in paths:
        path.symlink_to(pairs / 'cup/images/attic.png')
    yield
    for path in paths:
        path.unlink()


@pytest.fixture
def photograph(pairs: Path) -> Iterator[Path]:
    """An image of the same object of 6000x4500 pixels, which pages keep at half its size."""
    path = pairs / 'cup/images/phone.jpg'
    write_image(path, np.full((4500, 6000, 3), 90, np.uint8))
    yield path
    path.unlink()


@pytest.fixture
def tab(page: Any) -> Any:
    """The page with the tab open at the first pair."""
    return opened(page)


def opened(page: Any) -> Any:
    page.get_by_role('tab', name='Label').click()
    page.get_by_text('Frame 1 of 12').wait_for()
    return page


def click(page: Any, x: float, y: float) -> None:
    """Click a pixel of the image of 128x96, however large it is shown."""
    image = page.locator('.marked img')
    box = image.bounding_box()
    image.click(position={'x': x * box['width'] / 128, 'y': y * box['height'] / 96})


def rows(pairs: Path) -> tuple[PointRow, ...]:
    return read_point_table(pairs / 'cup/points.csv')


def test_three_pairs_are_marked_by_clicks_and_keys(tab: Any, pairs: Path) -> None:
    for number in range(3):
        tab.keyboard.press('2')
        for point in range(3):
            click(tab, 20 + 30 * point, 40)
            tab.locator('.marked circle').nth(2 * point).wait_for()
        tab.get_by_text('3 points').nth(number).wait_for()
        tab.keyboard.press('n')
        tab.locator('.marked circle').first.wait_for(
            state='detached' if number < 2 else 'attached'
        )
    tab.keyboard.press('u')
    tab.get_by_text('2 points').wait_for()

    marked = rows(pairs)
    assert [row.image for row in marked] == (
        3 * ['attic.png'] + 3 * ['bath.png'] + 2 * ['cellar.png']
    )
    assert {(row.demonstration, row.action) for row in marked} == {('press.mp4', 'turn')}
    assert [abs(row.x - 20 - 30 * (n % 3)) < 0.5 for n, row in enumerate(marked)] == 8 * [True]
    assert find_problems(open_annotations(pairs)) == []


def test_a_key_accepts_what_the_model_finds(tab: Any, pairs: Path) -> None:
    tab.locator('.suggested').first.wait_for()
    tab.get_by_text('The model suggests: score').wait_for()
    tab.keyboard.press('2')
    tab.keyboard.press('s')
    tab.locator('.marked circle').first.wait_for()

    video, image = pairs / 'cup/demonstrations/press.mp4', pairs / 'cup/images/attic.png'
    grounder = ArrayGrounder.load(model_folder(SHIPPED), threads=1)
    memorize_whole(read_demonstration(video, 8), 'press', grounder)
    found = grounder.ground(read_image(image), 'press', 1)
    (row,) = rows(pairs)
    assert (row.x, row.y) == pytest.approx((found.peaks[0].u, found.peaks[0].v), abs=0.006)
    # The model does not know the action, so that the chosen one stays.
    assert (found.action, row.action) == ('unknown', 'turn')


def test_any_point_is_dragged_deleted_and_brought_back(tab: Any, pairs: Path) -> None:
    for x in (20, 50, 80):
        click(tab, x, 40)
    tab.locator('.marked circle').nth(5).wait_for()
    tab.get_by_role('button', name='Zoom in').click()
    tab.wait_for_function("document.querySelector('.marked').clientWidth > 1000")

    # The viewport shows the middle half of the image, of 128x96 pixels.
    box = tab.locator('.zoomed').bounding_box()
    at = [box['x'] + (x - 32) / 64 * box['width'] for x in (50, 71)]
    height = box['y'] + (40 - 24) / 48 * box['height']
    tab.mouse.move(at[0], height)
    tab.mouse.down()
    tab.mouse.move(at[1], height, steps=3)
    tab.mouse.up()
    tab.wait_for_function("document.querySelectorAll('.marked circle')[2].cx.baseVal.value > 70")
    moved = [(row.x, row.y) for row in rows(pairs)]
    assert moved[2] == pytest.approx((71, 40), abs=0.4)
    # Beside the point by less than the width of a finger.
    assert tab.evaluate(FINGER, [at[1] + 60, height, 0]) is True
    assert tab.evaluate(FINGER, [at[1] + 16, height, at[1] - at[0]]) is False
    tab.wait_for_function("document.querySelectorAll('.marked circle')[4].cx.baseVal.value > 91")
    assert rows(pairs)[2].x == pytest.approx(92, abs=0.4)
    tab.keyboard.press('u')
    tab.wait_for_function("document.querySelectorAll('.marked circle')[4].cx.baseVal.value < 72")

    tab.mouse.click(at[1], height)
    tab.get_by_role('button', name='Delete the point').wait_for()
    tab.keyboard.press('Delete')
    tab.locator('.marked circle').nth(4).wait_for(state='detached')
    assert [(row.x, row.y) for row in rows(pairs)] == moved[:2]
    tab.keyboard.press('u')
    tab.locator('.marked circle').nth(5).wait_for()
    assert [(row.x, row.y) for row in rows(pairs)] == moved


def test_points_of_a_large_photograph_are_in_its_own_pixels(
    photograph: Path, page: Any, pairs: Path
) -> None:
    opened(page)
    page.get_by_text('press.mp4, phone.jpg').click()
    page.wait_for_function("document.querySelector('.marked img').naturalWidth === 2560")
    page.keyboard.press('2')
    click(page, 96, 24)
    page.get_by_text('1 point of 10').wait_for()

    (row,) = rows(pairs)
    assert (row.image, row.x, row.y) == (
        'phone.jpg',
        pytest.approx(4500, abs=15),
        pytest.approx(1125, abs=15),
    )


def test_pairs_are_added_in_the_browser(tab: Any, pairs: Path, files: Path) -> None:
    tab.keyboard.press('2')
    click(tab, 20, 40)
    tab.get_by_text('1 point of 10').wait_for()
    tab.get_by_role('button', name='Add pairs').click()
    fields = tab.get_by_role('dialog').locator('input[type=file]')
    fields.nth(0).set_input_files({'name': 'a.mp4', 'mimeType': 'video/mp4', 'buffer': b'no'})
    tab.get_by_text('a.mp4 cannot be read as a video').first.wait_for()
    fields.nth(0).set_input_files(files / 'turn.mp4')
    fields.nth(1).set_input_files(files / 'panel.png')
    tab.get_by_text('Demonstrations: turn.mp4; Images: panel.png').wait_for()
    tab.get_by_role('button', name='Add', exact=True).click()
    tab.get_by_text("the name of the object is ''").first.wait_for()
    tab.get_by_label('Name of the object').fill('jar')
    try:
        tab.get_by_role('button', name='Add', exact=True).click()
        tab.locator('.pairs .bg-primary', has_text='jar: turn.mp4, panel.png').wait_for()
        assert (pairs / 'jar/images/panel.png').read_bytes() == (files / 'panel.png').read_bytes()
        assert (pairs / 'jar/demonstrations/turn.mp4').is_file()
        tab.get_by_text('Frame 1 of 12').wait_for()
        tab.keyboard.press('u')
        wait_until(lambda: not (pairs / 'cup/points.csv').exists())
    finally:
        shutil.rmtree(pairs / 'jar', ignore_errors=True)


def test_a_phone_shows_the_image_over_its_whole_width_and_first(tab: Any) -> None:
    tab.set_viewport_size({'width': 390, 'height': 844})

    image = tab.locator('.marked').bounding_box()
    assert image['width'] > 340
    assert image['y'] < tab.locator('.pairs').bounding_box()['y']
    assert tab.evaluate('document.documentElement.scrollWidth') == 390


def test_a_list_of_many_pairs_has_pages_and_a_filter(
    sixty_images: None, page: Any, pairs: Path
) -> None:
    finished = ''.join(f'press.mp4,bath.png,press,{x},5\n' for x in range(10))
    (pairs / 'cup/points.csv').write_text(f'demonstration,image,action,x,y\n{finished}')
    opened(page)
    lines = page.locator('.pairs .q-item')
    assert lines.count() == 50

    page.locator('.q-pagination button', has_text='2').click()
    page.get_by_text('press.mp4, d_59.png').wait_for()
    assert lines.count() == 13
    page.keyboard.press('n')
    page.locator('.pairs .bg-primary', has_text='press.mp4, cellar.png').wait_for()
    assert lines.count() == 50
    page.get_by_text('10 points', exact=True).wait_for()
    page.get_by_role('switch', name='Unfinished only').click()
    page.get_by_text('press.mp4, bath.png').wait_for(state='hidden')
    assert page.get_by_text('press.mp4, attic.png').is_visible()


@pytest.mark.slow
def test_points_of_another_page_appear_by_themselves(
    tab: Any, chromium: Any, studio: str, pairs: Path
) -> None:
    other = chromium.new_page()
    other.goto(studio)
    opened(other)
    click(other, 30, 40)
    tab.locator('.marked circle').first.wait_for()
    click(tab, 60, 40)
    other.locator('.marked circle').nth(2).wait_for()
    other.close()

    assert [round(row.x) for row in rows(pairs)] == [30, 60]


def test_a_folder_that_is_removed_is_told_and_not_made_again(
    tab: Any, pairs: Path, tmp_path: Path
) -> None:
    (pairs / 'cup').rename(tmp_path / 'cup')
    try:
        click(tab, 30, 40)
        tab.get_by_text('cup: No such file or directory').first.wait_for()
        assert not (pairs / 'cup').exists()
    finally:
        (tmp_path / 'cup').rename(pairs / 'cup')
