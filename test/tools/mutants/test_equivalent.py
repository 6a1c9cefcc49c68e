# SPDX-License-Identifier: Apache-2.0
"""The list of mutants that mean the same as the original."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.equivalent import EquivalentMutants, listed_changes
from tools.mutants.mutant import Change, mutants_of

CHANGE = Change('product.py', 'f', 'if a < 1:', 'if a <= 1:')
ENTRY = (
    "- {file: product.py, function: f, line: 'if a < 1:', mutant: 'if a <= 1:', reason: never 1}\n"
)


def listed(folder: Path, text: str) -> dict[Change, str]:
    path = folder / 'list.yaml'
    path.write_text(text)
    return listed_changes(path)


def test_an_entry_is_left_out_wherever_its_line_moves(tmp_path: Path) -> None:
    (tmp_path / 'product.py').write_text('\n\ndef f(a):\n    if a < 1:\n        return a\n')
    mutants = mutants_of(tmp_path, Path('product.py'))

    equivalent = EquivalentMutants(listed(tmp_path, ENTRY))
    left = [one for one in mutants if one not in equivalent]
    assert [one.change.mutant for one in left] == ['if a < 2:']


def test_an_entry_may_be_a_later_line_of_what_is_changed(tmp_path: Path) -> None:
    (tmp_path / 'product.py').write_text('def f(a):\n    return g(\n        a, size=1\n    )\n')
    entry = (
        "- {file: product.py, function: f, line: 'a, size=1', mutant: 'a, size=None', reason: x}"
    )

    equivalent = EquivalentMutants(listed(tmp_path, entry))
    found = [one for one in mutants_of(tmp_path, Path('product.py')) if one in equivalent]
    assert [one.line for one in found] == [2]


def test_the_reason_is_kept(tmp_path: Path) -> None:
    assert listed(tmp_path, ENTRY) == {CHANGE: 'never 1'}
    assert listed(tmp_path, '') == {}


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        (ENTRY + ENTRY, 'twice'),
        (ENTRY.replace('never 1', "''"), 'no reason'),
        (ENTRY.replace('function', 'method'), 'is no entry'),
    ],
)
def test_a_bad_entry_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        listed(tmp_path, text)


@pytest.mark.slow
def test_each_entry_of_the_project_is_a_mutant_of_its_code(root: Path) -> None:
    changes = listed_changes()
    equivalent = EquivalentMutants(changes)
    found = {
        mutant.change
        for file in sorted({change.file for change in changes})
        for mutant in mutants_of(root, Path(file))
        if mutant in equivalent
    }
    assert sorted(changes.keys() - found, key=str) == []
