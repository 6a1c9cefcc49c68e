# SPDX-License-Identifier: Apache-2.0
"""Files of the repository as pages of the site, and the links that lead to them.

A page of `docs/` links to other pages and to files elsewhere in the repository, by relative links
that work on GitHub. Each of these files becomes a page below `source/`, so the site does not
depend on an address of the repository.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# Pages of the site that are files outside docs/.
REPOSITORY_PAGES = {
    'CHANGELOG.md': 'develop/changelog.md',
    'CONTRIBUTING.md': 'develop/contributing.md',
    'SECURITY.md': 'develop/security.md',
    'afformer_core/weights/afformer_small/MODEL_CARD.md': 'models/afformer_small.md',
    'afformer_core/weights/hands_mediapipe/MODEL_CARD.md': 'models/hands_mediapipe.md',
    'studies/README.md': 'research/studies_workflow.md',
}
_SITE_PAGES = {page: path for path, page in REPOSITORY_PAGES.items()}
_LANGUAGES = {
    '.json': 'json', '.py': 'python', '.sh': 'sh', '.toml': 'toml', '.xml': 'xml',
    '.yaml': 'yaml', '.yml': 'yaml', '.msg': 'text', '.srv': 'text', '.csv': 'text',
}  # fmt: skip
_FENCED = re.compile(r'(^```.*?^```$)', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'(\]\()([^)\s#]+)([^)\s]*\))')
_ABSOLUTE = re.compile(r'^[a-z]+:')


def repository_path(page: str) -> str:
    """Return the path in the repository of the source of a page.

    Args:
        page: path below the root of the site's sources, such as `robot/install.md`.
    """
    return _SITE_PAGES.get(page, f'docs/{page}')


def site_page(path: str) -> str:
    """Return the page that shows a file or folder of the repository.

    Args:
        path: from the root of the repository.
    """
    if path in REPOSITORY_PAGES:
        return REPOSITORY_PAGES[path]
    if path == 'README.md':
        return 'index.md'
    if path.startswith('docs/'):
        return path.removeprefix('docs/')
    return f'source/{path}.md'


def with_site_links(markdown: str, page: str) -> str:
    """Return the text of a page with links to pages of the site instead of files.

    Args:
        markdown: text of the file in the repository.
        page: page of the site, to which relative links refer.
    """

    def followed(found: re.Match[str]) -> str:
        target = _target(found[2], repository_path(page))
        if target is None:
            return found[0]
        shown = posixpath.relpath(site_page(target), posixpath.dirname(page) or '.')
        return f'{found[1]}{shown}{found[3]}'

    return ''.join(
        part if part.startswith('```') else _LINK.sub(followed, part)
        for part in _FENCED.split(markdown)
    )


def linked_paths(markdown: str, page: str) -> Iterator[str]:
    """Yield the files and folders outside `docs/` to which a page links, relative to the root."""
    for part in _FENCED.split(markdown):
        if part.startswith('```'):
            continue
        for found in _LINK.finditer(part):
            target = _target(found[2], repository_path(page))
            if target is not None and site_page(target).startswith('source/'):
                yield target


def _target(link: str, path: str) -> str | None:
    """Return the target of a link as a path in the repository; None if it is outside."""
    if _ABSOLUTE.match(link):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def source_pages(root: Path, pages: Mapping[str, str]) -> dict[str, str]:
    """Create a page for each file or folder of the repository to which a page links.

    Args:
        pages: text of every page of the site.

    Raises:
        FileNotFoundError: the target of a link does not exist.
    """
    waiting = {path for page, text in pages.items() for path in linked_paths(text, page)}
    written: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        page = site_page(path)
        written[page] = _shown(root, path)
        waiting |= set(linked_paths(written[page], page)) - written.keys()
    return written


def _shown(root: Path, path: str) -> str:
    source = root / path
    if not source.exists():
        raise FileNotFoundError(f'{path} is linked to and is not there. Mend the link')
    heading = f'# {path}\n\n'
    if source.is_dir():
        return heading + '\n'.join(f'- `{name}`' for name in _listed(source)) + '\n'
    text = source.read_text()
    if source.suffix == '.md':
        return text
    if source.suffix == '.ipynb':
        return '\n\n'.join(_cell(cell) for cell in json.loads(text)['cells']) + '\n'
    language = _LANGUAGES.get(source.suffix, 'text')
    return f'{heading}```{language}\n{text.rstrip()}\n```\n'


def _cell(cell: Mapping[str, Any]) -> str:
    """Return a cell of a notebook, with what it prints and the images that it shows."""
    source = ''.join(cell['source'])
    if cell['cell_type'] == 'markdown':
        return source
    parts = [f'```python\n{source}\n```']
    for output in cell['outputs']:
        text, image = ''.join(output.get('text', ())), output.get('data', {}).get('image/jpeg')
        parts.append(f'```text\n{text}```' if text else f'![](data:image/jpeg;base64,{image})')
    return '\n\n'.join(parts)


def _listed(folder: Path) -> Iterable[str]:
    names = (name + '/' * (folder / name).is_dir() for name in os.listdir(folder))
    return sorted(name for name in names if not name.startswith(('.', '__')))
