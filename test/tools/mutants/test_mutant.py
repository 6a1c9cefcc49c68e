# SPDX-License-Identifier: Apache-2.0
"""Mutants of a source file: kinds, exceptions, and the key each is known by."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.mutant import Change, Mutant, mutants_of

FILE = Path('product.py')


def mutants(folder: Path, source: str) -> list[Mutant]:
    (folder / FILE).write_text(source)
    return mutants_of(folder, FILE)


def replacements(folder: Path, source: str) -> list[str]:
    return [mutant.change.mutant for mutant in mutants(folder, source)]


def test_constants_decorated_functions_and_defaults_are_mutated(tmp_path: Path) -> None:
    source = (
        'LIMIT = 3\n'
        'class Product:\n'
        '    size: int = 5\n'
        '    @property\n'
        '    def area(self):\n'
        '        return self.size * LIMIT\n'
    )
    found = mutants(tmp_path, source)

    assert {(one.line, one.function, one.called, one.change.mutant) for one in found} == {
        (1, '', False, 'LIMIT = None'),
        (1, '', False, 'LIMIT = 4'),
        (3, 'Product', False, 'size: int = None'),
        (3, 'Product', False, 'size: int = 6'),
        (6, 'Product.area', True, 'return self.size / LIMIT'),
    }


@pytest.mark.parametrize(
    'source',
    [
        "NAME = f'{1 + 2} things'\n",
        'def take(item: int | None): ...\n',
        '@dataclass(frozen=True)\nclass Product: ...\n',
        "def refuse(number):\n    raise ValueError(f'{number} is 1 too many', number + 1)\n",
        'if TYPE_CHECKING:\n    LIMIT = 3\n',
        "Item = TypeVar('Item', bound=object)\n",
        'Shape = tuple[int, int]\n',
        'from product import one\n',
    ],
)
def test_what_no_test_should_notice_is_left_out(tmp_path: Path, source: str) -> None:
    assert [one for one in replacements(tmp_path, source) if one != 'NAME = None'] == []


def test_that_zip_is_strict_is_left_out(tmp_path: Path) -> None:
    found = replacements(tmp_path, 'zip(a, b, strict=True)\n')

    assert found == [
        'zip(None, b, strict=True)',
        'zip(a, None, strict=True)',
        'zip(b, strict=True)',
        'zip(a, strict=True)',
    ]


def test_a_change_of_several_lines_is_known_by_all_of_them(tmp_path: Path) -> None:
    changes = [one.change for one in mutants(tmp_path, 'def f():\n    a = [\n        b,\n    ]\n')]

    assert changes == [Change('product.py', 'f', 'a = [ b, ]', 'a = None')]


def test_a_test_that_executes_the_statement_executes_the_mutant(tmp_path: Path) -> None:
    source = 'def f():\n    for limit in (\n        1,\n        2,\n    ):\n        print(limit)\n'
    lines = {one.change.mutant: one.lines for one in mutants(tmp_path, source)}

    assert lines['2,'] == (2, 3)
    assert lines['print(None)'] == (6, 6)


def test_the_source_differs_by_the_mutant_alone(tmp_path: Path) -> None:
    (mutant,) = mutants(tmp_path, 'def f(a, b):\n    # Of both.\n    return a + b\n')

    assert mutant.source == 'def f(a, b):\n    # Of both.\n    return a - b\n'
    assert mutant.difference == ['-    return a + b', '+    return a - b']


def test_what_cannot_be_compiled_or_says_the_same_is_no_mutant(tmp_path: Path) -> None:
    # Outside of a function there is nothing to return from.
    found = mutants(tmp_path, 'while x < 1:\n    break\n')

    assert {one.change.mutant: one.is_python for one in found} == {
        'while x <= 1:': True,
        'while x < 2:': True,
        'return': False,
    }
