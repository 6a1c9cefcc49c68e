# SPDX-License-Identifier: Apache-2.0
"""A cluster that is started for one task ends with it.

Apart from the tests of engines, since these keep a cluster running, which would be used.
"""

from __future__ import annotations

import math
import subprocess
import sys
from functools import partial

import psutil
import pytest

from afformer_core.parallel.ray_engine import RayEngine

ray = pytest.importorskip('ray', reason='the extra cluster is not installed')


@pytest.mark.slow
def test_a_cluster_is_started_and_leaves_no_process_behind() -> None:
    assert not ray.is_initialized()
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    # A task that every process can import.
    results = list(RayEngine(1).map(partial(partial, math.sqrt), [4.0, 9.0]))

    assert sorted(result.get() for result in results) == [2.0, 3.0]
    assert not ray.is_initialized()
    started = psutil.Process().children(recursive=True)
    rest = psutil.wait_procs([child for child in started if child.pid not in before], 30)[1]
    assert rest == []


@pytest.mark.slow
def test_the_death_of_the_raylet_is_told_in_a_sentence() -> None:
    program = (
        'import time\n'
        'from functools import partial\n'
        'from afformer_core.parallel.ray_engine import RayEngine\n'
        'results = RayEngine(1).map(partial(partial, time.sleep), [0, 600])\n'
        'next(results)\n'
        'print("begun", flush=True)\n'
        'next(results)\n'
    )
    command = [sys.executable, '-c', program]
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'begun\n'
        started = psutil.Process(process.pid).children(recursive=True)
        [raylet] = [child for child in started if child.name() == 'raylet']
        raylet.kill()
        _, told = process.communicate(timeout=100)
        psutil.wait_procs(started, 30)

    assert process.returncode not in (0, None)
    lines = [line for line in told.splitlines() if line.startswith('afformer:')]
    assert lines == [
        'afformer: error: the raylet of this machine, which connects to the Ray cluster, died, '
        'for lack of memory or because the head of the cluster is lost; Ray ends this process. '
        'Start Ray again, and run the same command to continue'
    ]
