#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random passages of the documentation, help, docstrings and messages, to read aloud.

Example::

    python tools/draw_passages.py --seed 7
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (
    'docs', 'afformer_core', 'afformer_ros', 'afformer_sim', 'examples', 'launch', 'studies',
    'tools',
)  # fmt: skip
_LEAST_WORDS = 4
_WORD = re.compile(r'[A-Za-z]{2,}')
_FENCE = re.compile(r'\s*```')
_ITEM = re.compile(r'\s*(?:[-*]|\d+\.)\s+')
_SKIPPED = re.compile(r'\s*(?:#|<!--|!\[|\|[\s:|-]+\|$)')
_HELP = ('help', 'description', 'epilog')
_LOGGED = ('debug', 'info', 'warning', 'warn', 'error', 'exception', 'fatal')


@dataclass(frozen=True, order=True)
class Passage:
    """A passage of text, and where it begins.

    Attributes:
        path: file, relative to the searched folder.
        line: first line in the file, from 1.
        kind: 'paragraph', 'docstring', 'help' or 'message'.
        text: text on one line; a placeholder of a message is in braces.
    """

    path: str
    line: int
    kind: str
    text: str


def passages(root: Path) -> list[Passage]:
    """Find the passages below a folder, in the order of their files and lines.

    Args:
        root: folder of the repository.
    """
    found: list[Passage] = []
    for path in sorted(root.glob('*.md')):
        found += _of_markdown(path.name, path.read_text())
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob('*')):
            name = path.relative_to(root).as_posix()
            if path.suffix == '.md':
                found += _of_markdown(name, path.read_text())
            elif path.suffix == '.py':
                found += _of_python(name, path.read_text())
    return sorted(found)


def draw(found: Sequence[Passage], count: int, seed: int) -> list[Passage]:
    """Draw different passages at random, each with the same probability.

    Args:
        found: passages to draw from.
        count: number of passages to draw, or all if there are fewer.
        seed: seed of the random numbers; the same seed and passages give the same draw.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(found), min(count, len(found)), replace=False)
    return [found[index] for index in chosen]


def _of_markdown(path: str, text: str) -> Iterator[Passage]:
    """Yield the paragraphs, list items and table rows of a page, without code blocks."""
    fenced = False
    begin, lines = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ''], start=1):
        fence = bool(_FENCE.match(line))
        single = line.lstrip().startswith('|')
        ends = fenced or fence or single or not line.strip() or bool(_SKIPPED.match(line))
        if ends or _ITEM.match(line):
            yield from _passage(path, begin, 'paragraph', ' '.join(lines))
            lines = []
        fenced ^= fence
        if single and not fenced and not _SKIPPED.match(line):
            yield from _passage(path, number, 'paragraph', line)
        elif not ends:
            begin = begin if lines else number
            lines.append(line)


def _of_python(path: str, text: str) -> Iterator[Passage]:
    """Yield the paragraphs of docstrings, the help texts and the messages of a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _of_docstring(path, node)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from _of_values(path, 'message', node.exc.args)
        elif isinstance(node, ast.Call):
            helps = [keyword.value for keyword in node.keywords if keyword.arg in _HELP]
            yield from _of_values(path, 'help', helps)
            if isinstance(node.func, ast.Attribute) and node.func.attr in _LOGGED:
                yield from _of_values(path, 'message', node.args)


def _of_docstring(
    path: str, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[Passage]:
    if ast.get_docstring(node) is None:
        return
    literal = node.body[0]
    assert isinstance(literal, ast.Expr)
    written = ast.get_docstring(node, clean=False) or ''
    line = literal.lineno
    for paragraph in re.split(r'(\n[ \t]*\n)', written):
        yield from _passage(path, line, 'docstring', paragraph)
        line += paragraph.count('\n')


def _of_values(path: str, kind: str, values: Iterable[ast.expr]) -> Iterator[Passage]:
    for value in values:
        yield from _passage(path, value.lineno, kind, _text(value))


def _text(node: ast.expr) -> str:
    """Return the text of a literal, with the source of each placeholder; '' of anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ''
    if isinstance(node, ast.JoinedStr):
        return ''.join(map(_text, node.values))
    if isinstance(node, ast.FormattedValue):
        return '{' + ast.unparse(node.value) + '}'
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return ''


def _passage(path: str, line: int, kind: str, text: str) -> Iterator[Passage]:
    """Yield a passage, unless it has too few words."""
    text = ' '.join(text.split())
    if len(_WORD.findall(text)) >= _LEAST_WORDS:
        yield Passage(path, line, kind, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a draw of passages and return the exit status.

    Args:
        arguments: arguments of the command line; None: those of the process.
    """
    parser = argparse.ArgumentParser(description='Print random passages, to read aloud.')
    parser.add_argument('--seed', type=int, default=0, help='seed of the draw (default: 0)')
    parser.add_argument('--count', type=int, default=50, help='passages to draw (default: 50)')
    parser.add_argument(
        '--root', type=Path, default=ROOT, metavar='FOLDER', help='root of the repository'
    )
    given = parser.parse_args(arguments)
    for passage in draw(passages(given.root), given.count, given.seed):
        print(f'{passage.path}:{passage.line}: {passage.kind}\n    {passage.text}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
