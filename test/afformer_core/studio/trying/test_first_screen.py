# SPDX-License-Identifier: Apache-2.0
"""The first screen in a browser: examples, and the question of an unsure answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


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
    before = page.locator('.certainty').inner_text()

    page.locator('.question img').click(position={'x': 40, 'y': 40})

    page.locator('.question').wait_for(state='hidden')
    page.get_by_role('button', name='Unmark').wait_for()
    judged_anew = "before => document.querySelector('.certainty').innerText != before"
    page.wait_for_function(judged_anew, arg=before)


@pytest.mark.parametrize('width', [390, 1280])
def test_the_first_screen_fits_the_width(page: Any, width: int) -> None:
    page.set_viewport_size({'width': width, 'height': 800})
    page.locator('.example').first.wait_for()
    # The page is laid out anew some time after its size has changed.
    fits = """width => document.documentElement.scrollWidth <= width
        && document.querySelector('.drop-zone').clientWidth > 250"""
    page.wait_for_function(fits, arg=width)
