# SPDX-License-Identifier: Apache-2.0
"""Command of the mutation tests: the share of small mistakes that the tests detect.

    source tools/environment.sh && python -m tools.mutants --sample 40 --seed 1

Mutants of each package are drawn at random. The tests that execute a mutant run, the quickest
first, until one fails. The command prints the table, and writes it and the list of survivors.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Container, Sequence
from pathlib import Path

from tqdm import tqdm

from tools.mutants.covering_tests import CoveringTests
from tools.mutants.equivalent import EquivalentMutants, listed_changes
from tools.mutants.measurement import measure
from tools.mutants.mutant import Mutant, mutants_of
from tools.mutants.packages import packages
from tools.mutants.report import PackageResult, survivors, table
from tools.mutants.trial import MutantTrial, MutantVerdict, run_trials

ROOT = Path(__file__).resolve().parents[2]
# Maximum seconds for the tests of a mutant; further tests are left out.
_LONGEST = 30.0
_NOT_EXECUTED = 'no test executes it'


def main(words: Sequence[str] | None = None) -> None:
    """Draw mutants, try them and print the table."""
    arguments = _parser().parse_args(words)
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    rows = packages(ROOT)
    covering = measure(ROOT, folder / 'tests', arguments.workers, keep=arguments.keep_tests)
    equivalent = EquivalentMutants(listed_changes())
    results: list[PackageResult] = []
    for package in arguments.packages or rows:
        mutants = [mutant for path in rows[package] for mutant in mutants_of(ROOT, path)]
        chosen = draw(mutants, arguments.sample, f'{arguments.seed} {package}', equivalent)
        listed = sum(mutant in equivalent for mutant in mutants)
        count = len(mutants) - listed
        # The syntax trees of a package take hundreds of megabytes.
        del mutants
        if not chosen:
            continue
        reasons = try_all(chosen, covering, arguments.workers)
        alive = tuple((mutant, reasons[id(mutant)]) for mutant in chosen if id(mutant) in reasons)
        results.append(PackageResult(package, count, listed, len(chosen), alive))
        # An interrupted run keeps the finished rows.
        (folder / 'survivors.txt').write_text(survivors(results) + '\n')
        (folder / 'table.md').write_text(table(results) + '\n')
    print(f'\n{table(results)}\n\nSurvivors: {folder / "survivors.txt"}')


def draw(
    mutants: Sequence[Mutant], count: int | None, seed: str, equivalent: Container[Mutant] = ()
) -> list[Mutant]:
    """Draw a number of random mutants from those that can be compiled; None: all of them.

    Mutants that are listed as equivalent are skipped, so a longer list does not change the other
    mutants of a draw.
    """
    shuffled = random.Random(seed).sample(mutants, len(mutants))
    chosen: list[Mutant] = []
    for mutant in shuffled:
        if len(chosen) == count:
            break
        if mutant not in equivalent and mutant.is_python:
            chosen.append(mutant)
    return chosen


def try_all(mutants: Sequence[Mutant], covering: CoveringTests, workers: int) -> dict[int, str]:
    """Try mutants, and return the reason for each survivor by the id of the mutant."""
    reasons, trials, tried = {}, [], []
    for mutant in mutants:
        tests = _tests(mutant, covering)
        if tests:
            file, seconds = mutant.path.as_posix(), covering.cost(tests)
            trials.append(MutantTrial(file, mutant.source, tests, seconds))
            tried.append(mutant)
        else:
            reasons[id(mutant)] = _NOT_EXECUTED
    verdicts = dict(tqdm(run_trials(ROOT, trials, workers), total=len(trials)))
    unsound = _failing_anyway(list(verdicts.values()), covering)
    for number, (mutant, trial) in enumerate(zip(tried, trials, strict=True)):
        verdict = verdicts[number]
        if not verdict.killed or (verdict.by and set(verdict.by) <= unsound):
            reasons[id(mutant)] = f'{len(trial.tests)} tests pass'
    return reasons


def _failing_anyway(verdicts: Sequence[MutantVerdict], covering: CoveringTests) -> set[str]:
    """Return the failed tests that also fail without a mutant."""
    killers = sorted(
        {test for result in verdicts for test in result.by if test in covering.fixtures}
    )
    if not killers:
        return set()
    control = MutantTrial('', None, tuple(killers), covering.cost(killers))
    ((_, verdict),) = run_trials(ROOT, [control], 1)
    if verdict.by:
        print('These fail without a mutant and kill none:', *verdict.by, sep='\n', file=sys.stderr)
    return set(verdict.by)


def _tests(mutant: Mutant, covering: CoveringTests) -> tuple[str, ...]:
    first, last = mutant.lines
    lines = range(first, last + 1) if mutant.called else None
    chosen: list[str] = []
    for test in covering.of(mutant.path.as_posix(), lines):
        # A single test may take longer.
        if chosen and covering.cost([*chosen, test]) > _LONGEST:
            break
        chosen.append(test)
    return tuple(chosen)


def _count(text: str) -> int | None:
    return None if text == 'all' else int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m tools.mutants', description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    rows = [*packages(ROOT)]
    parser.add_argument('packages', nargs='*', metavar='PACKAGE', help=f'default: all of {rows}')
    parser.add_argument(
        '--sample', type=_count, default=40, help="mutants of each package, or 'all'; default 40"
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of the draw; default 0')
    parser.add_argument('--workers', type=int, default=1, help='processes at a time; default 1')
    parser.add_argument('--output', type=Path, default=ROOT / 'build' / 'mutants')
    parser.add_argument(
        '--keep-tests',
        action='store_true',
        help='use the measurements of the last run for the folders of tests that it measured',
    )
    return parser


if __name__ == '__main__':
    main()
