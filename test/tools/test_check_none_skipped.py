# SPDX-License-Identifier: Apache-2.0
"""A report with a skipped test, or without any, is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def check(root: Path, tmp_path: Path):
    """Run pytest on a file of tests and check its report; returns the exit status and the text."""

    def run(tests: str, *options: str) -> tuple[int, str]:
        (tmp_path / 'test_them.py').write_text(tests)
        report = tmp_path / 'tests.xml'
        arguments = ['-q', '-p', 'no:cacheprovider', f'--junit-xml={report}', *options]
        command = [sys.executable, '-m', 'pytest', *arguments, str(tmp_path)]
        subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        checked = subprocess.run(
            [sys.executable, root / 'tools' / 'check_none_skipped.py', report],
            capture_output=True,
            text=True,
        )
        return checked.returncode, checked.stderr

    return run


def test_tests_that_all_ran_pass(check) -> None:
    assert check('def test_a():\n    pass\n') == (0, '')


def test_a_skipped_test_is_named_with_its_reason(check) -> None:
    code, text = check(
        'import pytest\n'
        "def test_a():\n    pytest.skip('tf2 is missing')\n"
        'def test_b():\n    pass\n'
    )

    assert code == 1
    (line,) = text.splitlines()[1:]
    assert line.startswith('test_them.test_a: ')
    assert line.endswith(': tf2 is missing')


def test_a_skipped_module_is_named(check) -> None:
    code, text = check(
        "import pytest\npytest.importorskip('launch_of_nothing', reason='no launch')\n"
    )

    assert code == 1
    assert 'no launch' in text


def test_a_report_without_tests_is_refused(check) -> None:
    code, text = check('def test_a():\n    pass\n', '-k', 'nothing')

    assert code == 1
    assert 'contains no tests; expected at least one' in text
