# SPDX-License-Identifier: Apache-2.0
"""Every relative link of our pages leads to a file or folder, and to a heading that is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

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
