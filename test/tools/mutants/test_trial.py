# SPDX-License-Identifier: Apache-2.0
"""Mutants are tried in processes of their own; what is on disk stays as it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tools.mutants.trial import MutantTrial, MutantVerdict, run_trials

SOURCE = 'def larger(a, b):\n    return max(a, b)\n'
TEST = (
    'from shop.product import larger\n'
    'def test_first():\n    assert larger(2, 1) == 2\n'
    'def test_second():\n    assert larger(1, 2) == 2\n'
)
TESTS = ('test_product.py::test_first', 'test_product.py::test_second')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / 'shop').mkdir()
    (tmp_path / 'shop' / '__init__.py').write_text('')
    (tmp_path / 'shop' / 'product.py').write_text(SOURCE)
    (tmp_path / 'test_product.py').write_text(TEST)
    return tmp_path


def verdicts(project: Path, *sources: str | None) -> list[MutantVerdict]:
    trials = [MutantTrial('shop/product.py', source, TESTS, 0.01) for source in sources]
    found = dict(run_trials(project, trials, 2, libraries=('pytest',)))
    return [found[number] for number in range(len(sources))]


def test_what_a_test_notices_is_killed_by_it(project: Path) -> None:
    found = verdicts(
        project,
        SOURCE.replace('max', 'min'),
        SOURCE.replace('max(a, b)', 'a'),
        SOURCE.replace('max', 'max '),
        None,
    )

    assert found == [
        MutantVerdict(True, ('test_product.py::test_first',)),
        MutantVerdict(True, ('test_product.py::test_second',)),
        MutantVerdict(False, ()),
        MutantVerdict(False, ()),
    ]
    assert (project / 'shop' / 'product.py').read_text() == SOURCE


@pytest.mark.parametrize(
    'source',
    [
        'def larger(a, b):\n    import os\n    os.abort()\n',
        'def larger(a, b):\n    import os\n    os._exit(0)\n',
        'smaller = min\n',
    ],
)
def test_what_crashes_ends_or_cannot_be_imported_is_killed(project: Path, source: str) -> None:
    assert verdicts(project, source)[0].killed


@pytest.mark.slow
def test_what_never_ends_is_killed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('tools.mutants.trial._LEAST_SECONDS', 1.0)
    (verdict,) = verdicts(project, 'def larger(a, b):\n    while True:\n        pass\n')

    assert verdict.killed


def test_processes_that_a_test_starts_run_the_mutant(project: Path) -> None:
    (project / 'test_product.py').write_text(
        'import subprocess, sys\n'
        'def larger(*words):\n'
        "    program = 'from shop.product import larger; print(larger(2, 1))'\n"
        "    return subprocess.run([sys.executable, '-c', program], capture_output=True).stdout\n"
        "def test_first():\n    assert larger() == b'2\\n'\n"
        'def test_second():\n    pass\n'
    )

    killed, survived = verdicts(project, SOURCE.replace('max', 'min'), SOURCE)

    assert killed == MutantVerdict(True, ('test_product.py::test_first',))
    assert not survived.killed


def test_a_process_that_a_test_leaves_behind_ends_with_its_trial(project: Path) -> None:
    (project / 'test_product.py').write_text(
        'import subprocess\nfrom pathlib import Path\n'
        'def test_first():\n'
        "    process = subprocess.Popen(['sleep', '60'])\n"
        "    Path('process').write_text(str(process.pid))\n"
        'def test_second():\n    pass\n'
    )

    verdicts(project, None)

    # A process that was killed still takes a moment to end.
    stat, end = Path('/proc') / (project / 'process').read_text() / 'stat', time.monotonic() + 20
    while (running := is_running(stat)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not running


def is_running(stat: Path) -> bool:
    try:
        return stat.read_text().split()[2] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False
