# SPDX-License-Identifier: Apache-2.0
"""A cluster that is started for one task ends with it.

Apart from the tests of engines, since these keep a cluster running, which would be used.
"""

from __future__ import annotations

import math
from functools import partial

import psutil
import pytest

from afformer_core.offline.parallel.ray_engine import RayEngine

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
