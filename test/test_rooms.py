# SPDX-License-Identifier: Apache-2.0
"""The size of each folder of product and tests against its budget in pyproject.toml."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PACKAGES = ('afformer_core', 'afformer_ros', 'afformer_sim', 'launch', 'test', 'tools', 'studies')


def rooms() -> Counter[str]:
    """Lines of Python by folder: two levels deep, three in the tests and below `offline`."""
    lines: Counter[str] = Counter()
    for package in (*PACKAGES, 'examples'):
        for file in (ROOT / package).rglob('*.py'):
            folders = file.parent.relative_to(ROOT).parts
            depth = 3 if package == 'test' else 2 if package.startswith('afformer') else 1
            depth += 'offline' in folders
            lines['/'.join(folders[:depth])] += len(file.read_bytes().splitlines())
    return lines


BUDGETS = tomllib.loads((ROOT / 'pyproject.toml').read_text())['tool']['rooms']


@pytest.mark.parametrize('room', sorted(rooms()))
def test_a_room_keeps_its_budget(room: str) -> None:
    assert room in BUDGETS, 'name its number of lines in [tool.rooms], and shrink another room'
    assert rooms()[room] <= BUDGETS[room]


def test_no_budget_is_for_a_room_that_is_gone() -> None:
    assert set(BUDGETS) <= set(rooms())
