# SPDX-License-Identifier: Apache-2.0
"""All tables in two steps of each training, killed once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from studies.results import read_results, row_labels
from studies.settings import StudySettings

_MINUTES = 60


@pytest.fixture
def snakemake(root: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the workflow in a folder of the test, with a group of processes of its own."""
    program = shutil.which('snakemake') or root / '.venv' / 'snakemake' / 'bin' / 'snakemake'
    if not Path(program).is_file():
        pytest.skip('snakemake is not installed; `make test-slow` does it')
    positions = {name: tmp_path / name for name in ('output', 'results', 'charts')}

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                str(program),
                '--snakefile=studies/Snakefile',
                *words,
                '--configfile=studies/smoke.yaml',
                '--config',
                *(f'{name}={path}' for name, path in positions.items()),
            ],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


@pytest.mark.slow
@pytest.mark.timeout(_MINUTES * 60)
def test_every_table_is_computed_and_what_was_made_is_not_made_again(
    snakemake: Callable[..., subprocess.Popen[str]], root: Path, tmp_path: Path
) -> None:
    first = snakemake('table_4c', '--cores=1')
    _wait_for_an_evaluation(first)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    snakemake('--unlock').communicate()
    assert not (tmp_path / 'results' / 'table_4c.csv').is_file()
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob('output/evaluations/*/*')}
    assert made

    rest = snakemake('all')
    printed, _ = rest.communicate()
    assert rest.returncode == 0, printed[-3000:]

    assert {path: path.stat().st_mtime_ns for path in made} == made
    study = StudySettings.of(yaml.safe_load((root / 'studies' / 'studies.yaml').read_text()))
    for name, table in study.tables.items():
        # Reading refuses what is not finite.
        results = read_results(tmp_path / 'results' / f'{name}.csv')
        baseline, rows = row_labels(results)[:2], row_labels(results)[2:]
        assert rows == tuple(row.label for row in table.rows)
        assert all(label.endswith('(baseline)') for label in baseline)
        assert (tmp_path / 'charts' / f'{name}.svg').is_file()

    again, _ = snakemake('all').communicate()
    assert 'Nothing to be done' in again


def _wait_for_an_evaluation(process: subprocess.Popen[str]) -> None:
    """Until the first one has ended, with another of the table's to come."""
    printed = []
    assert process.stdout is not None
    for line in process.stdout:
        printed.append(line)
        if line.startswith('Finished jobid') and '(Rule: evaluate)' in line:
            return
    raise AssertionError(''.join(printed[-30:]))
