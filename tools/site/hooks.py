# SPDX-License-Identifier: Apache-2.0
"""Hooks of MkDocs that add pages from outside `docs/`, and correct the links to them.

With the environment variable EDIT_URL, such as https://github.com/NAME/afformer_ros/edit/main,
each page of `docs/` has a link to edit it.
"""

from __future__ import annotations

import os
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

from tools.site.pages import ROOT, added_pages, with_folders
from tools.site.source_pages import with_site_links

_CELL_WITHOUT_CODE = re.compile(r'<td[^>]*>(?:(?!</td>|<code).)*</td>', re.DOTALL)
_INTERVAL = re.compile(r'(?<=\[)(-?[\d.]+), (-?[\d.]+)(?=\])')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give headings their anchors, and list the generated pages of the navigation's folders."""
    # The anchors of GitHub, so that links to headings work in both.
    config.mdx_configs['toc']['slugify'] = slugify(case='lower')
    config.nav = with_folders(config.nav, list(added_pages(ROOT)))
    if address := os.environ.get('EDIT_URL'):
        config.edit_uri = f'{address.rstrip("/")}/docs/'
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and those of files elsewhere in the repository."""
    for path, text in added_pages(ROOT).items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace links to files of the repository by links to pages of the site."""
    return with_site_links(markdown, page.file.src_uri)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep the bounds of an interval in a table on one line."""
    return _CELL_WITHOUT_CODE.sub(lambda cell: _INTERVAL.sub(r'\1,&nbsp;\2', cell[0]), html)
