# SPDX-License-Identifier: Apache-2.0
"""Measurement of which tests execute which lines, folder by folder.

    python -m tools.mutants.measurement ROOT FOLDER FILE

measures the tests of one folder and writes the file; each folder has its own process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from tools.mutants.covering_tests import CoveringTests
from tools.mutants.packages import folders_of_tests, packages

# Under coverage a test may take three times as long.
_PYTEST = ('--timeout', '360', '-m', 'not slow and not soak and not gpu')


def measure(root: Path, results: Path, workers: int, *, keep: bool) -> CoveringTests:
    """Measure the tests of the product.

    Args:
        root: root of the project.
        results: folder of the measurements, one file for each folder of tests.
        workers: number of processes at a time.
        keep: read existing files instead of measuring their folders again.

    Raises:
        RuntimeError: nothing could be measured.
    """
    results.mkdir(parents=True, exist_ok=True)
    jobs = {
        folder: results / f'{"+".join(folder.parts)}.json' for folder in folders_of_tests(root)
    }
    if not keep:
        for path in results.glob('*.json'):
            path.unlink()

    def run(folder: Path) -> CoveringTests | None:
        path = jobs[folder]
        if not path.is_file():
            _measure_in_process(root, folder, path)
        return CoveringTests.read(path) if path.is_file() else None

    covering = CoveringTests()
    with ThreadPoolExecutor(workers) as pool:
        for measured in tqdm(pool.map(run, jobs), 'measuring tests', len(jobs)):
            if measured is not None:
                covering.add(measured)
    if not covering.fixtures:
        raise RuntimeError(f'no test of {root} could be measured; see {results}/*.log')
    return covering


def _measure_in_process(root: Path, folder: Path, path: Path) -> None:
    words = (str(root), str(folder), str(path))
    command = [sys.executable, '-m', 'tools.mutants.measurement', *words]
    with path.with_suffix('.log').open('wb') as log:
        subprocess.run(command, cwd=root, stdout=log, stderr=subprocess.STDOUT, check=False)


def main(words: Sequence[str]) -> None:
    """Measure the tests of one folder."""
    root, folder, path = Path(words[0]).resolve(), Path(words[1]), Path(words[2])
    files = [file.as_posix() for listed in packages(root).values() for file in listed]
    with tempfile.TemporaryDirectory() as temporary:
        arguments = [*_PYTEST, '--basetemp', f'{temporary}/pytest', folder.as_posix()]
        measured = CoveringTests.measure(root, files, arguments)
    part = path.with_suffix('.part')
    measured.write(part)
    part.replace(path)


if __name__ == '__main__':
    main(sys.argv[1:])
