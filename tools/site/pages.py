# SPDX-License-Identifier: Apache-2.0
"""All pages of the site: those of `docs/`, those of files elsewhere, and generated ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tools.site.command_pages import command_pages
from tools.site.configuration_page import configuration_page
from tools.site.launch_page import launch_page
from tools.site.message_page import message_page
from tools.site.source_pages import REPOSITORY_PAGES, source_pages

ROOT = Path(__file__).resolve().parents[2]


def generated_pages(root: Path) -> dict[str, str]:
    """Build the generated pages of the reference, by path."""
    return {
        **command_pages(),
        'reference/launch.md': launch_page(root),
        'reference/messages.md': message_page(root),
        'reference/configuration.md': configuration_page(root),
    }


@cache
def added_pages(root: Path) -> dict[str, str]:
    """Build all pages outside `docs/`, by path, with the links of the repository."""
    docs = root / 'docs'
    written = {
        str(path.relative_to(docs)): path.read_text() for path in sorted(docs.rglob('*.md'))
    }
    added = generated_pages(root)
    added |= {page: (root / path).read_text() for path, page in REPOSITORY_PAGES.items()}
    return added | source_pages(root, written | added)


def with_folders(navigation: Any, pages: Sequence[str]) -> Any:
    """Replace each folder of a navigation by a list of its pages.

    Args:
        navigation: navigation of MkDocs: nested lists and dictionaries; a folder ends in a slash.
        pages: paths of the pages, in their order in the navigation.
    """
    if isinstance(navigation, list):
        return [with_folders(entry, pages) for entry in navigation]
    if isinstance(navigation, dict):
        return {title: with_folders(entry, pages) for title, entry in navigation.items()}
    if not navigation.endswith('/'):
        return navigation
    found = [page for page in pages if page.startswith(navigation)]
    return sorted(found, key=lambda page: not page.endswith('/index.md'))
