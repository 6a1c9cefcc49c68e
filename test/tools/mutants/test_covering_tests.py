# SPDX-License-Identifier: Apache-2.0
"""Which tests execute which lines, by themselves and by the fixtures that they share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutants.covering_tests import CoveringTests

PRODUCT = """\
def build():
    return [1, 2]


def first(items):
    return items[0]


def last(items):
    return items[-1]
"""
TESTS = """\
import multiprocessing
import subprocess
import sys
import pytest
from shop.product import build, first, last

@pytest.fixture(scope='session')
def items():
    return build()

def test_first(items):
    assert first(items) == 1

def test_last(items):
    assert last(items) == 2

def test_last_of_one():
    assert last([3]) == 3

def test_first_in_a_process():
    program = 'from shop.product import first; print(first([4]))'
    found = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE)
    assert found.stdout == b'4\\n'

def test_last_in_a_child():
    child = multiprocessing.get_context('fork').Process(target=last, args=([5],))
    child.start()
    child.join()

def test_that_fails():
    assert first([1]) == 2
"""
MEASURE = """\
import sys
from pathlib import Path
from tools.mutants.covering_tests import CoveringTests
root = Path(sys.argv[1])
CoveringTests.measure(root, ['shop'], [str(root)]).write(root / 'tests.json')
"""


@pytest.fixture(scope='module')
def covering(root: Path, tmp_path_factory: pytest.TempPathFactory) -> CoveringTests:
    project = tmp_path_factory.mktemp('project')
    (project / 'shop').mkdir()
    (project / 'shop' / '__init__.py').write_text('')
    (project / 'shop' / 'product.py').write_text(PRODUCT)
    (project / 'pytest.ini').write_text('[pytest]\npythonpath = .\n')
    (project / 'test_shop.py').write_text(TESTS)
    paths = f'import sys; sys.path.insert(0, {str(root)!r})\n'
    command = [sys.executable, '-c', paths + MEASURE, project]
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    return CoveringTests.read(project / 'tests.json')


def names(tests: list[str]) -> list[str]:
    return [test.split('::')[1] for test in tests]


def test_a_line_is_executed_by_tests_that_pass(covering: CoveringTests) -> None:
    found = sorted(names(covering.of('shop/product.py', [10])))
    assert found == ['test_last', 'test_last_in_a_child', 'test_last_of_one']
    found = sorted(names(covering.of('shop/product.py', [6])))
    assert found == ['test_first', 'test_first_in_a_process']


def test_what_a_shared_fixture_executes_all_that_use_it_execute(covering: CoveringTests) -> None:
    assert sorted(names(covering.of('shop/product.py', [2]))) == ['test_first', 'test_last']


def test_of_a_whole_file_all_count(covering: CoveringTests) -> None:
    assert len(covering.of('shop/product.py', None)) == 5
    assert covering.of('shop/other.py', None) == []


def test_each_has_its_own_seconds(covering: CoveringTests) -> None:
    assert set(covering.seconds) > set(covering.fixtures)
    (fixture,) = {each for fixtures in covering.fixtures.values() for each in fixtures}
    assert fixture.startswith('fixture items[')
    assert covering.seconds[fixture] > 0


def test_the_cheapest_comes_first_and_what_they_share_is_paid_once() -> None:
    covering = CoveringTests(
        {'a': 0.5, 'b': 0.25, 'c': 1.0, 'export': 10.0},
        {'a': ['export'], 'b': ['export'], 'c': []},
        {'product.py': {1: ['a', 'c'], 2: ['export'], 3: ['c'], 6: ['']}},
    )

    assert covering.of('product.py', [1]) == ['c', 'a']
    assert covering.of('product.py', [2]) == ['b', 'a']
    assert covering.of('product.py', [3, 4]) == ['c']
    assert covering.of('product.py', [5]) == []
    # On import.
    assert covering.of('product.py', [6]) == ['c', 'b', 'a']
    assert covering.cost(['a', 'b', 'c']) == 11.75
