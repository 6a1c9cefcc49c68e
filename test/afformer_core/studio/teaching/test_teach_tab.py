# SPDX-License-Identifier: Apache-2.0
"""A model that is taught own pairs in a browser, and used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import opened, serving


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models, with a folder that is none."""
    folder = tmp_path_factory.mktemp('models')
    (folder / 'begun').mkdir()
    return folder


@pytest.fixture(scope='module')
def address(models: Path, marked_pairs: Path) -> Iterator[str]:
    """Address of a studio with marked pairs."""
    with serving('--pairs', str(marked_pairs), '--models', str(models)) as running:
        yield running.address


@pytest.fixture
def page(chromium: Any, address: str) -> Iterator[Any]:
    """The tab, opened after Label, which still opens the model."""
    with opened(chromium, address) as page:
        page.get_by_role('tab', name='Label').click()
        page.get_by_role('tab', name='Teach').click()
        page.get_by_text('2 of 2 pairs are marked.').wait_for()
        yield page


def teach(page: Any, name: str) -> None:
    page.get_by_label('Name of the new model').fill(name)
    page.get_by_role('button', name='Teach').click()


def test_pairs_are_taught_and_the_model_is_used(page: Any, models: Path, files: Path) -> None:
    teach(page, 'mine')
    page.get_by_text('pairs were answered within 5 % of a mark before, 2 are now').wait_for()
    assert page.locator('.taught-pair').count() == 2
    assert (models / 'mine/exemplars.safetensors').is_file()

    page.get_by_role('button', name='Use this model').click()
    page.get_by_text('Try and Label use mine.').wait_for()
    page.get_by_role('tab', name='Try').click()
    for field, name in ((0, 'press.mp4'), (1, 'panel.png')):
        page.locator('input[type=file]').nth(field).set_input_files(files / name)
    page.locator('.presence').wait_for()


def test_a_name_that_does_not_do_is_refused(page: Any, models: Path) -> None:
    teach(page, 'begun')

    page.get_by_text('begun exists. Give another name').first.wait_for()
    assert not any((models / 'begun').iterdir())
    # A phone shows the answers below the form, without scrolling sideways.
    page.set_viewport_size({'width': 390, 'height': 844})
    assert page.evaluate('document.documentElement.scrollWidth') == 390
