# SPDX-License-Identifier: Apache-2.0
"""A cluster that is started for one task ends with it, and the loss of a cluster is told.

Apart from the tests of engines, since these keep a cluster running, which would be used.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psutil
import pytest

from afformer_core.parallel.ray_engine import RayEngine

from .ray_machines import STORE

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


PROGRAM = """
import sys
import time
from functools import partial
from afformer_core.parallel.ray_engine import RayEngine
results = RayEngine(1, *sys.argv[1:]).map(partial(partial, time.sleep), [0, 600])
next(results)
print("begun", flush=True)
next(results)
"""


@contextmanager
def waiting_driver(*address: str) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for a part of a cluster, its own or another, which has begun."""
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with subprocess.Popen([sys.executable, '-c', PROGRAM, *address], text=True, **pipes) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == 'begun\n'
        yield driver
        driver.kill()


def sentences(driver: subprocess.Popen[str], seconds: float) -> list[str]:
    """What it says until it ends."""
    _, told = driver.communicate(timeout=seconds)
    return [line for line in told.splitlines() if line.startswith('afformer:')]


RAYLET_DIED = (
    'afformer: error: the raylet of this machine, which connects to the Ray cluster, died, for '
    'lack of memory or because the head of the cluster is lost; Ray ends this process. Start Ray '
    'again, and run the same command to continue'
)


@pytest.mark.slow
def test_the_death_of_the_raylet_is_told_in_a_sentence() -> None:
    with waiting_driver() as driver:
        started = psutil.Process(driver.pid).children(recursive=True)
        [raylet] = [child for child in started if child.name() == 'raylet']
        raylet.kill()
        told = sentences(driver, 100)
        psutil.wait_procs(started, 30)

    assert driver.returncode not in (0, None)
    assert told == [RAYLET_DIED]


@pytest.fixture
def head() -> Iterator[Any]:
    """A cluster of one machine, which another process can join."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={'num_cpus': 1, 'object_store_memory': STORE, 'include_dashboard': False},
    )
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_head_that_is_killed_is_told_in_a_sentence(head: Any) -> None:
    address = head.address
    with waiting_driver(address) as driver:
        head.head_node.kill_gcs_server()
        told = sentences(driver, 200)

    assert driver.returncode not in (0, None)
    # The death of the raylet, which may follow, is another sentence.
    assert told[0] == (
        f'afformer: error: the head of the Ray cluster at {address} does not answer; '
        'expected it to live as long as this command. Start Ray again, and run the same command '
        'to continue'
    )
