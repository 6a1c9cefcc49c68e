# SPDX-License-Identifier: Apache-2.0
"""Pages of the reference of the Python API, for mkdocstrings to fill in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = 'afformer_core'
# What other programs are built on; the other rooms serve commands.
ROOMS = (
    'runtime', 'models', 'media', 'data', 'geometry', 'stream', 'demonstrations', 'messages',
    'outputs', 'drawing', 'hands', 'evaluation', 'training', 'maskahand', 'replay',
)  # fmt: skip


def python_pages(root: Path) -> dict[str, str]:
    """Build a page for each folder of the package, and the page that lists them, by path.

    Args:
        root: folder of the repository.
    """
    front = f'{PACKAGE}.grounder'
    pages = {'reference/python/grounder.md': f'# {front}\n\n::: {front}\n'}
    rows = [f'| [`{front}`](grounder.md) | {_opening(root / PACKAGE / "grounder.py")} |']
    for room in ROOMS:
        folder = root / PACKAGE / room
        said = _opening(folder / '__init__.py')
        rows.append(f'| [`{PACKAGE}.{room}`]({room}.md) | {said} |')
        pages[f'reference/python/{room}.md'] = f'# {PACKAGE}.{room}\n\n{said}\n\n' + '\n'.join(
            f'::: {module}\n' for module in _public_modules(root, folder)
        )
    table = '\n'.join(['| package | |', '| --- | --- |', *rows])
    pages['reference/python/index.md'] = (
        '# Python, all packages\n\nOf `afformer_core`, which needs no ROS. Most programs need '
        f'[what it exports](../python.md) alone.\n\n{table}\n'
    )
    return pages


def _opening(path: Path) -> str:
    """Return the first line of a module's docstring."""
    said = ast.get_docstring(ast.parse(path.read_text())) or ''
    return said.partition('\n')[0]


def _public_modules(root: Path, folder: Path) -> Iterator[str]:
    """Yield the names of the modules of a folder and below it that hold something public."""
    for path in sorted(folder.rglob('*.py')):
        if path.stem.startswith('_') or not _has_public_names(path):
            continue
        yield '.'.join(path.relative_to(root).with_suffix('').parts)


def _has_public_names(path: Path) -> bool:
    definitions = (ast.ClassDef, ast.FunctionDef)
    return any(
        isinstance(node, definitions) and not node.name.startswith('_')
        for node in ast.parse(path.read_text()).body
    )
