# SPDX-License-Identifier: Apache-2.0
"""Tests that execute a line, and the duration of each."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import coverage.exceptions
import pytest

# Name for code that is executed while no test runs.
_IMPORT = ''
# Environment variables for the configuration of processes and the test that started them.
_START, _TEST = 'COVERAGE_PROCESS_START', 'AFFORMER_MUTANTS_TEST'
# Scopes of fixtures shared by several tests.
_SHARED = ('session', 'package', 'module', 'class')


@dataclass
class CoveringTests:
    """Tests that passed, and the lines that they and their shared fixtures execute.

    Attributes:
        seconds: seconds of each test alone, and of the setup of each shared fixture.
        fixtures: fixtures that each test uses.
        lines: for each file, relative to the root: line number to the tests and shared fixtures
            that execute it.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    fixtures: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    @classmethod
    def measure(
        cls, root: Path, packages: Iterable[str], arguments: Iterable[str]
    ) -> CoveringTests:
        """Run tests under coverage, in this process and in those that they start.

        The lines of a process that ends by SIGKILL are lost.

        Args:
            root: root of the project.
            packages: folders or files whose lines count, relative to the root.
            arguments: arguments of pytest.

        Raises:
            RuntimeError: no test passed.
        """
        include = [
            str(root / package / '*' if (root / package).is_dir() else root / package)
            for package in packages
        ]
        with tempfile.TemporaryDirectory() as folder, _configured(Path(folder), include) as file:
            measured = coverage.Coverage(config_file=str(file))
            recorder = _Recorder(measured)
            measured.start()
            pytest.main(['-q', '-p', 'no:cacheprovider', *arguments], plugins=[recorder])
            measured.stop()
            measured.save()
            lines = _read_lines(root, Path(folder))
        passed = recorder.passed
        if not passed:
            raise RuntimeError(f'no test of {list(arguments)} passed; see the output above')
        return cls(recorder.seconds, {test: recorder.fixtures[test] for test in passed}, lines)

    def add(self, other: CoveringTests) -> None:
        """Add the measurements of other tests."""
        self.seconds.update(other.seconds)
        self.fixtures.update(other.fixtures)
        for file, lines in other.lines.items():
            own = self.lines.setdefault(file, {})
            for number, tests in lines.items():
                own[number] = sorted({*own.get(number, ()), *tests})

    def write(self, path: Path) -> None:
        """Write the measurements to a file."""
        path.write_text(json.dumps(vars(self)))

    @classmethod
    def read(cls, path: Path) -> CoveringTests:
        """Read the measurements from the file of `write`."""
        content = json.loads(path.read_text())
        for file, lines in content['lines'].items():
            content['lines'][file] = {int(number): tests for number, tests in lines.items()}
        return cls(**content)

    def of(self, file: str, lines: Iterable[int] | None) -> list[str]:
        """Return the tests that execute one of some lines of a file, the quickest first.

        Args:
            file: path relative to the root.
            lines: numbers of the lines, from 1; None for any line of the file.
        """
        known = self.lines.get(file, {})
        executing = {test for line in lines or () for test in known.get(line, ())}
        # Lines that are executed on import affect all tests of the file.
        if lines is None or _IMPORT in executing:
            executing = {test for line in known.values() for test in line}
        found = [
            test
            for test, fixtures in self.fixtures.items()
            if test in executing or not executing.isdisjoint(fixtures)
        ]
        return sorted(found, key=lambda test: self.cost([test]))

    def cost(self, tests: Iterable[str]) -> float:
        """Return the seconds of some tests in one process, with all fixtures that they share."""
        tests = list(tests)
        fixtures = {fixture for test in tests for fixture in self.fixtures[test]}
        return sum(self.seconds.get(name, 0.0) for name in (*tests, *fixtures))


@contextmanager
def _configured(folder: Path, include: Iterable[str]) -> Iterator[Path]:
    """Write a configuration of coverage that the processes of tests use as well."""
    file = folder / 'coveragerc'
    listed = ''.join(f'\n    {pattern}' for pattern in include)
    file.write_text(
        f'[run]\ndata_file = {folder}/data\nparallel = true\nsigterm = true\n'
        f'patch =\n    _exit\n    fork\n'
        f'context = ${{{_TEST}-}}\ninclude ={listed}\n'
    )
    before = {name: os.environ.get(name) for name in (_START, _TEST)}
    os.environ.update({_START: str(file), _TEST: _IMPORT})
    try:
        yield file
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _read_lines(root: Path, folder: Path) -> dict[str, dict[int, list[str]]]:
    """Read the lines of all processes, by file relative to the root."""
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in folder.glob('data*'):
        data = coverage.CoverageData(str(path))
        try:
            data.read()
        except coverage.exceptions.DataError:
            # Its process was killed while writing.
            continue
        for file in data.measured_files():
            lines = found[Path(file).relative_to(root).as_posix()]
            for number, tests in data.contexts_by_lineno(file).items():
                lines[number].update(tests)
    return {
        file: {number: sorted(tests) for number, tests in lines.items()}
        for file, lines in found.items()
    }


class _Recorder:
    """Plugin that reports the running test or fixture to coverage, and measures its time."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.fixtures: dict[str, list[str]] = {}
        self._measured = measured
        self._running = [_IMPORT]
        self._since = time.perf_counter()
        self._needs: dict[str, set[str]] = defaultdict(set)
        self._bad: set[str] = set()

    @property
    def passed(self) -> list[str]:
        return [test for test in self.fixtures if test not in self._bad]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        with self._runs(item.nodeid):
            found = yield
        self.fixtures[item.nodeid] = sorted(self._all_needed(item.nodeid))
        return found

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        if fixturedef.scope not in _SHARED:
            return (yield)
        with self._runs(_name(fixturedef, getattr(request, 'param', None))):
            return (yield)

    def pytest_runtest_setup(self, item: Any) -> None:
        parameters = item.callspec.params if hasattr(item, 'callspec') else {}
        for name, definitions in item._fixtureinfo.name2fixturedefs.items():
            if definitions and definitions[-1].scope in _SHARED:
                self._needs[item.nodeid].add(_name(definitions[-1], parameters.get(name)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != 'passed':
            self._bad.add(report.nodeid)

    @contextmanager
    def _runs(self, name: str) -> Iterator[None]:
        """Attribute execution to a test or fixture; the clock of an outer one is paused."""
        self._needs[self._running[-1]].add(name)
        self._begin(name)
        self._running.append(name)
        try:
            yield
        finally:
            self._running.pop()
            self._begin(self._running[-1], ended=name)

    def _begin(self, name: str, ended: str | None = None) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1] if ended is None else ended] += now - self._since
        self._since = now
        self._measured.switch_context(name)
        # For started processes and for forked ones.
        os.environ[_TEST] = name
        self._measured.config.context = name

    def _all_needed(self, name: str) -> set[str]:
        """Return the fixtures that a test needs, and those that these need."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = self._needs[waiting.pop()] - found
            found |= new
            waiting.extend(new)
        return found


def _name(fixturedef: Any, parameter: object) -> str:
    return f'fixture {fixturedef.argname}[{parameter}] of {fixturedef.baseid}{os.sep}'
