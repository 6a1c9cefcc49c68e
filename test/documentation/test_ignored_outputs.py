# SPDX-License-Identifier: Apache-2.0
"""Git ignores the files that our commands write in a clone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

# Options and a subcommand before the name of a file or folder that is written.
WRITTEN = re.compile(r'(?:--output|--report|afformer simulate) ([\w./]+)')
OUTPUT_KEYS = ('output', 'cache_folder', 'index')


@pytest.fixture(scope='module')
def ignored(root: Path) -> Any:
    inside = subprocess.run(
        ['git', '-C', str(root), 'rev-parse', '--is-inside-work-tree'], capture_output=True
    )
    if inside.returncode:
        pytest.skip('not a clone')

    def is_ignored(path: str) -> bool:
        command = ['git', '-C', str(root), 'check-ignore', '--quiet', '--no-index', path]
        return subprocess.run(command).returncode == 0

    return is_ignored


def values_of(content: Any) -> Iterator[str]:
    """Yield the values of keys that name outputs, at any depth."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name in OUTPUT_KEYS and isinstance(value, str):
                yield value
            yield from values_of(value)


def test_outputs_of_trainings(root: Path, ignored: Any) -> None:
    files = sorted((root / 'config' / 'train').rglob('*.yaml'))
    written = {each for path in files for each in values_of(yaml.safe_load(path.read_text()))}
    assert {'models/own_pairs', 'my_pairs_frames', 'opra/frames'} <= written
    assert [path for path in sorted(written) if not ignored(path)] == []


def test_outputs_of_commands_in_the_documentation(root: Path, ignored: Any) -> None:
    pages = [root / 'README.md', *(root / 'docs').rglob('*.md')]
    blocks = [
        block
        for page in pages
        for block in re.findall(r'```sh\n(.*?)```', page.read_text(), re.DOTALL)
    ]
    written = {path for block in blocks for path in WRITTEN.findall(block)}
    assert {'models/espresso', 'mined', 'examples.png', 'simulated'} <= written
    assert [path for path in sorted(written) if not ignored(path)] == []


def test_nothing_that_is_ignored_is_in_the_repository(root: Path, ignored: Any) -> None:
    command = ['git', 'ls-files', '--cached', '--ignored', '--exclude-standard']
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.splitlines() == []
