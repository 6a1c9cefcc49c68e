# SPDX-License-Identifier: Apache-2.0
"""Demonstrations tried on images in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli.main import main
from afformer_core.media.images import read_image


def upload(page: Any, video: Any, image: Any) -> None:
    fields = page.locator('input[type=file]')
    fields.nth(1).set_input_files(image)
    fields.nth(0).set_input_files(video)


def download(page: Any, button: str) -> Path:
    with page.expect_download() as started:
        page.locator('button', has_text=button).click()
    return Path(started.value.path())


def test_a_clip_and_an_image_are_grounded_as_by_the_command(
    page: Any, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(page, files / 'press.mp4', files / 'panel.png')
    page.locator('.presence').wait_for()

    answer = json.loads(download(page, 'JSON').read_text())
    given = [str(files / 'press.mp4'), str(files / 'panel.png')]
    assert main(['ground', *given, '--json', '--threads', '1']) == 0
    expected = json.loads(capsys.readouterr().out)
    assert answer['demonstrations'] == ['press.mp4']
    assert answer['actions'] == pytest.approx(expected['actions'], abs=1e-5)
    assert answer['presence'] == pytest.approx(expected['presence'], abs=1e-5)
    assert answer['peaks'][0] == pytest.approx(expected['peaks'][0], abs=1e-3)
    with page.expect_download() as started:
        page.locator('button', has_text='PNG').click()
    assert started.value.suggested_filename == 'panel_overlay.png'
    started.value.save_as(files / 'saved.png')
    assert read_image(files / 'saved.png').shape == (96, 128, 3)


def test_the_timeline_tells_the_frames_that_the_model_keeps(page: Any, files: Path) -> None:
    upload(page, files / 'press.mp4', files / 'panel.png')
    page.get_by_text('Frame 1 of 12, 0.00 s: the model keeps it').wait_for()
    assert page.locator('.kept').count() == 8
    # Quasar's slider has the role, and a part of it the focus.
    thumb = page.locator('.demonstration .q-slider:not(.q-range) [tabindex="0"]')

    thumb.focus()
    for _ in range(5):
        page.keyboard.press('ArrowRight')
    page.get_by_text('Frame 6 of 12, 0.83 s').wait_for()


@pytest.mark.slow
def test_the_part_that_the_model_sees_is_set_by_keys(page: Any, files: Path) -> None:
    upload(page, files / 'press.mp4', files / 'panel.png')
    page.get_by_text('The model uses 0.00 to 1.83 s').wait_for()

    page.locator('.demonstration .q-range [tabindex="0"]').first.focus()
    for _ in range(12):
        page.keyboard.press('ArrowRight')

    page.get_by_text('The model uses 0.60 to 1.83 s').wait_for()
    page.get_by_text('Frame 1 of 8, 0.60 s: the model keeps it').wait_for()


def test_a_tap_beside_a_numbered_part_marks_it(page: Any, files: Path) -> None:
    upload(page, files / 'press.mp4', files / 'panel.png')
    page.locator('.presence').wait_for()
    found = page.locator('.peaks tbody').inner_text()
    mark = page.get_by_role('button', name='Mark the operated part')
    mark.click()
    drawn = page.locator('.marked-contact .suggested polygon').first.get_attribute('points')
    (x, _), (_, y) = (corner.split(',') for corner in drawn.split()[:2])
    frame = page.locator('.marked-contact img')
    frame.evaluate('image => image.decode()')
    scale = frame.evaluate('image => image.clientWidth / image.naturalWidth')
    aside = 6 if float(x) < 160 else -6

    frame.click(position={'x': (float(x) + aside) * scale, 'y': float(y) * scale})

    unmark = page.get_by_role('button', name='Unmark')
    unmark.wait_for()
    mark.click()
    circle = page.locator('.marked-contact circle').first
    circle.wait_for()
    assert (circle.get_attribute('cx'), circle.get_attribute('cy')) == (x, y)
    page.get_by_role('button', name='Cancel').click()
    unmark.click()
    unmark.wait_for(state='hidden')
    again = "found => (document.querySelector('.peaks tbody') ?? {}).innerText === found"
    page.wait_for_function(again, arg=found)


def test_several_demonstrations_are_grounded_together(page: Any, files: Path) -> None:
    upload(page, [files / 'press.mp4', files / 'turn.mp4'], files / 'panel.png')
    page.get_by_text('press.mp4, turn.mp4 in panel.png').or_(
        page.get_by_text('turn.mp4, press.mp4 in panel.png')
    ).wait_for()

    page.get_by_role('checkbox', name='turn.mp4').click()
    page.locator('div', has_text='press.mp4 in panel.png').first.wait_for()
    page.get_by_text('turn.mp4 in panel.png').wait_for(state='detached')

    # The demonstration is removed before its answer is there.
    page.get_by_role('checkbox', name='turn.mp4').dispatch_event('click')
    for name in ('turn.mp4', 'press.mp4'):
        page.get_by_role('button', name=f'Remove {name}').dispatch_event('click')
    page.get_by_text('Now give a video of somebody').wait_for()
    page.wait_for_timeout(500)
    assert page.get_by_text('Now give a video of somebody').is_visible()


def test_another_image_is_chosen_by_a_key(page: Any, files: Path) -> None:
    upload(page, files / 'press.mp4', files / 'panel.png')
    page.get_by_text('press.mp4 in panel.png').wait_for()
    page.locator('input[type=file]').nth(1).set_input_files(files / 'frames/0.png')
    page.get_by_text('press.mp4 in 0.png').wait_for()

    page.get_by_role('button', name='Ground in panel.png').press('Enter')
    page.get_by_text('press.mp4 in panel.png').wait_for()


def test_the_webcam_gives_a_demonstration_and_an_image(page: Any) -> None:
    page.get_by_role('button', name='Webcam', exact=True).nth(0).click()
    page.get_by_role('button', name='Record').click()
    page.get_by_text('Recording: show the action').wait_for()
    page.wait_for_timeout(300)
    page.get_by_role('button', name='Stop').click()
    page.get_by_text('Frame 1 of').wait_for()
    page.get_by_role('button', name='Webcam', exact=True).nth(0).click()
    page.get_by_role('button', name='Record').click()
    page.get_by_role('button', name='Stop').wait_for()
    page.get_by_role('button', name='Close').click()

    page.get_by_role('button', name='Webcam', exact=True).nth(1).click()
    page.get_by_role('button', name='Take an image').click()
    page.locator('.presence').wait_for()


def test_files_of_another_size_or_kind_are_refused_by_name(page: Any) -> None:
    large = {'name': 'long.mp4', 'mimeType': 'video/mp4', 'buffer': bytes(2_000_001)}
    image = {'name': 'cup.png', 'mimeType': 'image/png', 'buffer': b'press hard'}
    text = {'name': '../../x.mp4', 'mimeType': 'video/mp4', 'buffer': b'press hard'}

    page.locator('input[type=file]').nth(0).set_input_files([large, image, text])

    page.get_by_text('long.mp4 is larger than 2 MB. Cut out the part').wait_for()
    page.get_by_text('cup.png is not a video').wait_for()
    page.get_by_text('x.mp4 cannot be read as a video').first.wait_for()


def test_a_click_on_an_example_answers_in_a_sentence(page: Any) -> None:
    page.get_by_text('Give a video of somebody operating something').wait_for()

    page.get_by_role('button', name='Try: Touch a spoon').click()

    page.get_by_text('spoon.mp4 in cup.jpg').wait_for()
    assert page.locator('.sentence').inner_text().startswith('Act here')
    assert page.locator('.question').is_hidden()


def test_an_unsure_answer_is_mended_by_a_click_on_the_part(page: Any, files: Path) -> None:
    fields = page.locator('input[type=file]')
    fields.nth(1).set_input_files(files / 'panel.png')
    fields.nth(0).set_input_files(files / 'press.mp4')
    page.get_by_text('First frame of press.mp4: the model hesitates between these 3').wait_for()
    assert page.locator('.question .suggested').count() == 3
    before = page.locator('.presence').inner_text()

    page.locator('.question img').click(position={'x': 40, 'y': 40})

    page.locator('.question').wait_for(state='hidden')
    page.get_by_role('button', name='Unmark').wait_for()
    judged_anew = "before => document.querySelector('.presence').innerText != before"
    page.wait_for_function(judged_anew, arg=before)


@pytest.mark.parametrize('width', [390, 1280])
def test_the_first_screen_fits_the_width(page: Any, width: int) -> None:
    page.set_viewport_size({'width': width, 'height': 800})
    page.locator('.example').first.wait_for()
    # The page is laid out anew some time after its size has changed.
    fits = """width => document.documentElement.scrollWidth <= width
        && document.querySelector('.drop-zone').clientWidth > 250"""
    page.wait_for_function(fits, arg=width)
