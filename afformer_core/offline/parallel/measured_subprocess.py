# SPDX-License-Identifier: Apache-2.0
"""Measurements in separate processes, because peak memory belongs to a process."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError
from afformer_core.exit_status import describe_exit

# Prefix of our error sentences, from the command, from Python, or from a node's log.
_PREFIX = re.compile(r'^(afformer: error: |afformer_core\.[\w.]+: |\[ERROR\] (\[[^]]*\] ?){2}: )')


class MeasurementError(AfformerError):
    """Failed measurement.

    Args:
        what: name of the measurement.
        reason: its last message, or how its process ended.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f'{what} cannot be measured: {reason}')
        self.reason = reason


def run_measurement(module: str, words: Sequence[str], threads: int, what: str) -> dict[str, Any]:
    """Run a module in a new process, and return the JSON object that it prints.

    Args:
        module: module whose last line is one JSON object.
        words: its arguments.
        threads: number of threads, at least 1.
        what: name of the measured command, for errors.

    Raises:
        MeasurementError: the process failed, for lack of memory for example.
    """
    done = subprocess.run(
        [sys.executable, '-m', module, *words],
        env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MeasurementError(what, _reason(done.returncode, done.stderr))
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _reason(status: int, told: str) -> str:
    ending = f'its process {describe_exit(status)}'
    if status < 0:
        return ending
    last = (told.strip().splitlines() or [''])[-1]
    return _PREFIX.sub('', last) or ending


def peak_megabytes() -> float:
    """Return the largest resident memory of this process since it was started."""
    status = Path('/proc/self/status')
    if status.is_file():
        # the kernel's other counter starts at the resident memory of the parent process
        fields = dict(line.split(':', 1) for line in status.read_text().splitlines())
        return int(fields['VmHWM'].split()[0]) / 1024
    unit = 1024**2 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
