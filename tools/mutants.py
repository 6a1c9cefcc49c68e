# SPDX-License-Identifier: Apache-2.0
"""Share of small mistakes that the tests notice, by folder, for mistakes that are drawn anew.

It runs mutmut, one folder after another, in a copy of the project.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from scipy.stats import binomtest

COPY = Path('build/mutants')
_SHIPPED = ('afformer_core', 'afformer_ros')
# A mistake of which a test does not end, or its process dies, is noticed.
_NOTICED = ('killed', 'timeout', 'suspicious', 'segfault')
_UNTESTED = ('no tests', 'not checked')


def main() -> None:
    """Draw mistakes, run the tests of their folders, and print the shares."""
    parser = argparse.ArgumentParser(prog='python -m tools.mutants', description=__doc__)
    parser.add_argument('--room', default='', help='only the folders that begin with this')
    parser.add_argument('--count', type=int, default=20, help='mistakes in each folder')
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument('--changed', metavar='REVISION', help='only functions changed since then')
    options = parser.parse_args()
    draw = random.Random(options.seed)
    print(f'seed {options.seed}', flush=True)
    rows = {}
    for room, files in modules_by_room(options.room).items():
        names = mutants_of(files, options.changed)
        if drawn := draw.sample(sorted(names), min(options.count, len(names))):
            rows[room] = run(room, {name: names[name] for name in drawn}), len(drawn)
            print(row(room, *rows[room]), flush=True)
    if not rows:
        sys.exit('no function of the product can be mutated there')
    print(row('all', *map(sum, zip(*rows.values(), strict=True))))


def modules_by_room(begin: str = '') -> dict[str, list[str]]:
    """Return the modules that ship by their folder, two levels deep and three below `offline`.

    Args:
        begin: what the folder begins with.
    """
    patterns = (f'{package}/*.py' for package in _SHIPPED)
    listed = subprocess.check_output(['git', 'ls-files', *patterns], text=True)
    rooms: dict[str, list[str]] = {}
    for file in listed.split():
        folders = Path(file).parent.parts
        room = '/'.join(folders[: 3 if 'offline' in folders else 2])
        if room.startswith(begin) and Path('test', room).is_dir():
            rooms.setdefault(room, []).append(file)
    return dict(sorted(rooms.items()))


def mutants_of(files: Iterable[str], since: str | None = None) -> dict[str, str]:
    """Return the names that mutmut gives to the mistakes in modules, with their modules.

    Args:
        files: paths of modules.
        since: a revision of git; of the functions that are as they were then, none is returned.
    """
    names = {}
    for file in files:
        found = mutate_file_contents(file, Path(file).read_text())
        before = _hashes_at(since, file) if since else {}
        module = file.removesuffix('.py').removesuffix('/__init__').replace('/', '.')
        for name in found.mutant_names:
            function = name.rpartition('__mutmut_')[0]
            if found.hash_by_function_name[function] != before.get(function):
                names[f'{module}.{name}'] = file
    return names


def _hashes_at(revision: str, file: str) -> Mapping[str, str]:
    """Return the hash of each function of a module at a revision; none if it did not exist."""
    shown = subprocess.run(
        ['git', 'show', f'{revision}:{file}'], capture_output=True, text=True, check=False
    )
    return mutate_file_contents(file, shown.stdout).hash_by_function_name


def run(room: str, modules: Mapping[str, str]) -> int:
    """Try mistakes by the tests of their folder; print those that no test notices.

    Args:
        room: the folder.
        modules: modules of the mistakes, by the names of these.

    Returns:
        number of mistakes that were noticed.

    Raises:
        RuntimeError: mutmut fails.
    """
    files = sorted(set(modules.values()))
    # The tests of a package itself are its files alone.
    folder = Path('test', room)
    tests = [str(folder)] if '/' in room else sorted(map(str, folder.glob('test_*.py')))
    set_up_copy(files, tests)
    try:
        _mutmut('run', '--max-children', '2', *modules)
    except RuntimeError as error:
        if 'could not find any test case' not in str(error):
            # Some tests see the frames that mutmut puts between a function and its caller.
            if not (failing := failing_tests(tests)):
                raise
            print(f'  left out, since they fail under mutmut: {", ".join(failing)}', flush=True)
            tests += [f'--deselect={test}' for test in failing]
            set_up_copy(files, tests)
            _mutmut('run', '--max-children', '2', *modules)
    states = dict(
        re.findall(r'^\s*(\S+): (.+)$', _mutmut('results', '--all', 'true'), re.MULTILINE)
    )
    missed = [
        name
        for name in modules
        if states[name] not in _NOTICED
        # What only other processes execute, such as nodes and commands, mutmut takes for untested.
        # With 1 a test has failed, with 2 one could not be imported.
        and not (
            states[name] in _UNTESTED and _tests_under(name, ['-x', *tests]).returncode in (1, 2)
        )
    ]
    for name in missed:
        changed = [line for line in _mutmut('show', name).splitlines() if line[:1] in ('-', '+')]
        # The first two lines name the file.
        print(f'  {states[name]}: {name}', *changed[2:], sep='\n    ', flush=True)
    return len(modules) - len(missed)


def failing_tests(tests: Sequence[str]) -> list[str]:
    """Return the tests that fail in the copy although it computes without mistakes."""
    done = _tests_under('stats', ['-rfE', *tests])
    return re.findall(r'^(?:FAILED|ERROR) (.+?)(?: - .*)?$', done.stdout, re.MULTILINE)


def _tests_under(mistake: str, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run tests in the copy with one mistake, and all processes that they start."""
    options = ['-q', '-m', 'not slow and not soak', '--show-capture=no', '--tb=no']
    return subprocess.run(
        ['python', '-m', 'pytest', *options, *tests],
        cwd=COPY / 'mutants',
        env=_environment() | {'MUTANT_UNDER_TEST': mistake},
        capture_output=True,
        text=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    path = f'{COPY.resolve()}/mutants:{os.environ["PYTHONPATH"]}'
    return {**os.environ, 'PYTHONPATH': path}


def _mutmut(*arguments: str) -> str:
    """Run mutmut in the copy; return what it prints.

    Raises:
        RuntimeError: it fails.
    """
    done = subprocess.run(
        ['mutmut', *arguments],
        cwd=COPY,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f'mutmut {arguments[0]} failed: {(done.stdout + done.stderr)[-4000:]}')
    return done.stdout


def set_up_copy(files: Sequence[str], tests: Sequence[str]) -> None:
    """Copy the project into the folder in which mutmut works, with its settings for modules."""
    tracked = subprocess.run(['git', 'ls-files', '-z'], capture_output=True, text=True, check=True)
    subprocess.run(['rm', '-rf', COPY], check=True)
    # Python must find the folder that mutmut writes when it starts.
    (COPY / 'mutants').mkdir(parents=True)
    subprocess.run(
        ['cp', '--parents', *filter(os.path.exists, tracked.stdout.split('\0')), COPY], check=True
    )
    settings = COPY / 'pyproject.toml'
    settings.write_text(
        settings.read_text().replace(
            '[tool.mutmut]\n',
            '[tool.mutmut]\n'
            f'only_mutate = {list(files)}\npytest_add_cli_args_test_selection = {list(tests)}\n',
        )
    )


def row(room: str, noticed: int, count: int) -> str:
    """Return a line of the table: noticed of all, the share, and its interval of 95 %."""
    interval = binomtest(noticed, count).proportion_ci(method='wilson')
    share = f'{noticed / count:.0%} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]'
    return f'{room:40} {noticed:4} of {count:4}  {share}'


if __name__ == '__main__':
    main()
