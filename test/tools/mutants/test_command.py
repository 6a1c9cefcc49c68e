# SPDX-License-Identifier: Apache-2.0
"""Drawing of mutants, and the packages and tests that the command names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.__main__ import draw
from tools.mutants.mutant import Mutant, mutants_of


@pytest.fixture
def mutants(tmp_path: Path) -> list[Mutant]:
    numbers = ''.join(f'    a{number} = {number}\n' for number in range(20))
    (tmp_path / 'product.py').write_text(f'while x < 1:\n    break\n\n\ndef f():\n{numbers}')
    return mutants_of(tmp_path, Path('product.py'))


def drawn(mutants: list[Mutant], count: int | None, seed: str) -> list[str]:
    return [one.change.mutant for one in draw(mutants, count, seed)]


def test_a_seed_draws_the_same_and_another_seed_others(mutants: list[Mutant]) -> None:
    found = drawn(mutants, 5, 'a')

    assert len(set(found)) == 5
    assert drawn(mutants, 5, 'a') == found
    assert drawn(mutants, 5, 'b') != found
    # A larger sample holds the smaller one.
    assert drawn(mutants, 9, 'a')[:5] == found


def test_what_is_equivalent_is_passed_over_and_changes_nothing_else(
    mutants: list[Mutant],
) -> None:
    found = draw(mutants, 5, 'a')
    others = draw(mutants, 5, 'a', equivalent=found[1:2])

    assert [one.change for one in others[:4]] == [one.change for one in (found[0], *found[2:])]
    assert found[1] not in others


def test_all_are_all_that_can_be_compiled(mutants: list[Mutant]) -> None:
    found = drawn(mutants, None, 'a')

    # Numbers and None of twenty assignments, and two of the condition; no return outside.
    assert len(found) == 42
    assert 'return' not in found
