# SPDX-License-Identifier: Apache-2.0
"""Passages that are drawn at random: where they are found, and that a seed repeats a draw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.draw_passages import Passage, draw, main, passages

_MODULE = '''"""Shutters of a camera, open or closed."""


def opened(shutter):
    """Open the shutter of a camera.

    Args:
        shutter: the one that is to be opened.
    """
    if shutter is None:
        raise ValueError(f'shutter is {shutter}; expected one of {KINDS}. ' 'Close it first')
    parser.add_argument('--wait', help='seconds before the shutter opens')
    logger.info('opened')
'''
_PAGE = """# Shutters of every kind

A shutter opens
and closes.

```sh
echo this is no passage of text
```

- The first shutter is fast.
- The second shutter is slow.

| name | what it does |
| --- | --- |
| `fast` | opens within a millisecond |
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'docs').mkdir()
    (tmp_path / 'docs' / 'shutters.md').write_text(_PAGE)
    (tmp_path / 'afformer_core').mkdir()
    (tmp_path / 'afformer_core' / 'shutter.py').write_text(_MODULE)
    return tmp_path


def test_passages_are_found_with_their_lines(folder: Path) -> None:
    module, page = 'afformer_core/shutter.py', 'docs/shutters.md'
    assert passages(folder) == [
        Passage(module, 1, 'docstring', 'Shutters of a camera, open or closed.'),
        Passage(module, 5, 'docstring', 'Open the shutter of a camera.'),
        Passage(module, 7, 'docstring', 'Args: shutter: the one that is to be opened.'),
        Passage(
            module, 11, 'message', 'shutter is {shutter}; expected one of {KINDS}. Close it first'
        ),
        Passage(module, 12, 'help', 'seconds before the shutter opens'),
        Passage(page, 3, 'paragraph', 'A shutter opens and closes.'),
        Passage(page, 10, 'paragraph', '- The first shutter is fast.'),
        Passage(page, 11, 'paragraph', '- The second shutter is slow.'),
        Passage(page, 13, 'paragraph', '| name | what it does |'),
        Passage(page, 15, 'paragraph', '| `fast` | opens within a millisecond |'),
    ]


def test_a_seed_repeats_its_draw(folder: Path) -> None:
    found = passages(folder)
    first = draw(found, 4, seed=3)
    assert first == draw(found, 4, seed=3)
    assert first != draw(found, 4, seed=5)
    assert len(set(first)) == 4
    assert sorted(draw(found, 60, seed=3)) == found


def test_a_draw_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['--root', str(folder), '--seed', '3', '--count', '60']) == 0
    printed = capsys.readouterr().out
    assert 'docs/shutters.md:3: paragraph\n    A shutter opens and closes.\n' in printed
    assert printed.count('\n') == 2 * len(passages(folder))
