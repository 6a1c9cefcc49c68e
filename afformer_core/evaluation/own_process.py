# SPDX-License-Identifier: Apache-2.0
"""Measurements in processes of their own, since peak memory is a process's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from afformer_core.errors import AfformerError


def run_measurement(module: str, words: Sequence[str], threads: int, what: str) -> dict[str, Any]:
    """What a module prints, run in a new process.

    Args:
        module: that prints one JSON object.
        words: its arguments.
        threads: to compute with, at least 1.
        what: is measured, for errors.

    Raises:
        AfformerError: the process failed, for want of memory for example; says how.
    """
    done = subprocess.run(
        [sys.executable, '-m', module, *words],
        env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ['no message'])[-1]
        raise AfformerError(f'measuring {what} ended with status {done.returncode}: {last}')
    found: dict[str, Any] = json.loads(done.stdout)
    return found
