# SPDX-License-Identifier: Apache-2.0
"""Every relative link of our pages leads to a file or folder, and to a heading that is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

_FENCED = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'\]\(([^)\s]+)\)')
_ELSEWHERE = re.compile(r'^(?:https?|mailto):')
_HEADING = re.compile(r'^#+ +(.+?)\s*$', re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = _HEADING.findall(_FENCED.sub('', text))
    return {re.sub(r'[^\w\- ]', '', one).lower().replace(' ', '-') for one in headings}


def dead_links(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    dead = []
    text = page.read_text()
    for link in _LINK.findall(_FENCED.sub('', text)):
        if _ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition('#')
        target = page.parent / unquote(path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            dead.append(link)
    return dead


def test_every_link_leads_somewhere(page: str, root: Path) -> None:
    assert dead_links(root / page) == []


def test_every_page_can_be_reached_from_the_readme(root: Path) -> None:
    reached: set[Path] = set()
    waiting = [root / 'README.md']
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (link.partition('#')[0] for link in _LINK.findall(page.read_text()))
        waiting += [(page.parent / link).resolve() for link in links if link.endswith('.md')]
    assert set((root / 'docs').rglob('*.md')) <= reached


@pytest.mark.parametrize(
    'link', ['no_such.md', 'there.md#no-such', '#no-such', 'image.jpg', 'there.md#a--heading']
)
def test_links_that_lead_nowhere_are_found(tmp_path: Path, link: str) -> None:
    (tmp_path / 'there.md').write_text('# A heading, `of` two\n\n```sh\n# no such\n```\n')
    page = tmp_path / 'page.md'
    page.write_text(f'# Page\n\n[it]({link}), [good](there.md#a-heading-of-two), [own](#page)\n')
    assert dead_links(page) == [link]
