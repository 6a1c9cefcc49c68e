# SPDX-License-Identifier: Apache-2.0
"""The page itself: what it says, and that it needs nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.dataset_page.html import write_dataset_page
from afformer_core.dataset_page.page import Bars, Card, DatasetIssue, DatasetPage, Figure

GREY = np.full((30, 40, 3), 128, np.uint8)
PAGE = DatasetPage(
    title='pairs & <more>',
    headline={'samples': 3777},
    facts={'media below': 'opra/<root>'},
    issues=[DatasetIssue('images that are missing', 252, ('there is no image <a>',))],
    scope='All were opened.',
    distributions=[Bars('Actions', {'press': 30, 'turn "it"': 15, 'lift': 0})],
    cards=[
        Card('test/1', ('press',), ('4 frames',), (GREY,) * 4, (Figure('image', GREY),)),
        Card('test/2', ('turn "it"', 'press'), (), (), (), 'there is no clip'),
        Card('test/3', ('lift',), (), (), ()),
    ],
    how='Drawn.',
)


class Reader(HTMLParser):
    """Collects texts and images, and fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.images: list[str] = []
        self.widths: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or '' for name, value in attributes}
        if tag == 'img':
            self.images.append(values['src'])
        if values.get('class') == 'bar':
            self.widths.append(values['style'])
        if tag not in ('meta', 'img'):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    write_dataset_page(tmp_path / 'page.html', PAGE)
    reader = Reader()
    reader.feed((tmp_path / 'page.html').read_text(encoding='utf-8'))
    assert reader.open == []
    return reader


def test_what_the_page_says(read: Reader) -> None:
    told = [
        '3,777',
        'samples',
        'opra/<root>',
        'images that are missing',
        '252',
        'All were opened.',
    ]
    told += ['there is no image <a>', 'turn "it"', 'test/2 ', 'there is no clip', 'all (3)']
    assert [text for text in told if text not in read.texts] == []
    assert read.texts.count('pairs & <more>') == 2
    assert 'press (2)' in read.texts


def test_bars_are_as_long_as_what_they_count(read: Reader) -> None:
    assert read.widths == ['width: 100.0%', 'width: 50.0%', 'width: 0.0%']


def test_images_are_in_the_page(read: Reader) -> None:
    assert len(read.images) == 5
    assert all(source.startswith('data:image/jpeg;base64,') for source in read.images)


def test_nothing_wrong_is_said_as_well(tmp_path: Path) -> None:
    write_dataset_page(tmp_path / 'page.html', replace(PAGE, issues=[]))
    assert 'Nothing wrong was found.' in (tmp_path / 'page.html').read_text()


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    write_dataset_page(tmp_path / 'page.html', PAGE)
    text = (tmp_path / 'page.html').read_text()
    assert not re.findall(r'https?:|<link|@import|url\(|src="(?!data:)', text)
    assert [path.name for path in tmp_path.iterdir()] == ['page.html']


def test_samples_of_one_action_are_shown_alone(tmp_path: Path, tab: Any) -> None:
    write_dataset_page(tmp_path / 'page.html', PAGE)
    tab.goto((tmp_path / 'page.html').as_uri())
    cards = tab.locator('article.card:visible h3')
    assert cards.count() == 3
    tab.select_option('#group', 'turn "it"')
    assert cards.all_inner_texts() == ['test/2 turn "it", press']
    tab.select_option('#group', 'press')
    assert cards.all_inner_texts() == ['test/1 press', 'test/2 turn "it", press']
    tab.select_option('#group', '')
    assert cards.count() == 3


def test_an_issue_has_an_example() -> None:
    assert DatasetIssue.of('images', []) == []
    assert DatasetIssue.of('images', list('abcdefg')) == [
        DatasetIssue('images', 7, tuple('abcde'))
    ]
    with pytest.raises(ValueError, match='expected at least 1 of each'):
        DatasetIssue('images', 0, ())
