# SPDX-License-Identifier: Apache-2.0
"""Measurements in processes of their own, since peak memory is a process's."""

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

# Before an error of ours, which is a sentence: of the command, of Python, or of a node's log.
_PREFIX = re.compile(r'^(afformer: error: |afformer_core\.[\w.]+: |\[ERROR\] (\[[^]]*\] ?){2}: )')


class MeasurementError(AfformerError):
    """A measurement failed.

    Args:
        what: was measured.
        reason: as it told it last, or how its process ended.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f'{what} cannot be measured: {reason}')
        self.reason = reason


def run_measurement(module: str, words: Sequence[str], threads: int, what: str) -> dict[str, Any]:
    """What a module prints, run in a new process.

    Args:
        module: whose last line is one JSON object.
        words: its arguments.
        threads: to compute with, at least 1.
        what: is measured, for errors.

    Raises:
        MeasurementError: the process failed, for want of memory for example.
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
    """Largest resident memory of this process since it was started."""
    status = Path('/proc/self/status')
    if status.is_file():
        # The kernel's other counter starts at the resident memory of whoever started us.
        fields = dict(line.split(':', 1) for line in status.read_text().splitlines())
        return int(fields['VmHWM'].split()[0]) / 1024
    unit = 1024**2 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
