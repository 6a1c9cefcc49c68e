# SPDX-License-Identifier: Apache-2.0
"""Hash of the code that determines exported graphs and their golden outputs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
# All modules below these folders, and these modules, by their path in the package.
_SOURCES = (
    'models',
    'runtime/export',
    'runtime/sessions/torch_session.py',
    'runtime/golden/golden_images.py',
    'runtime/golden/golden_outputs.py',
    'runtime/matching',
    'runtime/features.py',
    'runtime/networks.py',
)
# Text that the interpreter ignores: docstrings of modules, classes and functions, and comments on
# separate lines.
_PROSE = re.compile(r'\A(?:#[^\n]*\n)*"""[\s\S]*?"""|(?<=:\n) *"""[\s\S]*?"""|(?<=\n) *#[^\n]*')


@cache
def graphs_code_sha256() -> str:
    """Return the hash of the installed code, in hexadecimal."""
    return code_sha256(_PACKAGE)


def code_sha256(package: Path) -> str:
    """Hash the code in a package's folder that defines graphs, in hexadecimal.

    Docstrings, comments on separate lines, empty lines and line endings are ignored, so that a
    release which changes nothing else keeps the graphs of the previous one.
    """
    total = hashlib.sha256()
    for path in _modules(package):
        text = _PROSE.sub('', path.read_text(encoding='utf-8'))
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        name = path.relative_to(package).as_posix()
        total.update('\n'.join((name, *lines, '')).encode())
    return total.hexdigest()


def _modules(package: Path) -> Iterator[Path]:
    for source in _SOURCES:
        path = package / source
        yield from sorted(path.rglob('*.py')) if path.is_dir() else (path,)
