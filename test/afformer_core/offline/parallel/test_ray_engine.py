# SPDX-License-Identifier: Apache-2.0
"""Processes of a cluster get the GPUs that they need, and repeat a part that they die with."""

from __future__ import annotations

import importlib
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from afformer_core.cli.main import parse
from afformer_core.cli.options.engine_options import engine_of
from afformer_core.errors import AfformerError
from afformer_core.offline.parallel import ray_engine
from afformer_core.offline.parallel.ray_engine import RayEngine, processes_with_room

from .fake_ray import FakeRay

OPEN_ROOT = partial(partial, math.sqrt)


def node(cores: float, gpus: float, alive: bool = True) -> dict[str, Any]:
    resources = {'CPU': float(cores), 'GPU': float(gpus), 'memory': 1e9}
    return {'Alive': alive, 'Resources': resources}


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeRay], None]:
    """Lets engines connect to a stand-in."""

    def use(ray: FakeRay) -> None:
        @contextmanager
        def connected(address: str | None, processes: int | None) -> Iterator[FakeRay]:
            yield ray

        monkeypatch.setattr(ray_engine, 'connected', connected)

    return use


@pytest.mark.parametrize(
    ('gpus', 'expected'),
    [(0.0, 8 + 6), (1.0, 3 + 2), (0.25, 8 + 6), (2.0, 1 + 1), (3.0, 1), (0.1, 8 + 6)],
)
def test_room_is_counted_on_each_machine(gpus: float, expected: int) -> None:
    nodes = [node(8, 3), node(6, 2), node(64, 8, alive=False)]

    assert processes_with_room(nodes, gpus) == expected


def test_a_tenth_of_a_gpu_is_for_ten() -> None:
    assert processes_with_room([node(40, 1)], 0.1) == 10
    assert processes_with_room([node(40, 1)], 1 / 3) == 3


def test_what_no_machine_has_is_refused_with_what_there_is(use: Callable[[FakeRay], None]) -> None:
    ray = FakeRay([node(8, 1), node(6, 1), node(64, 8, alive=False)])
    use(ray)

    for engine in (RayEngine(1, gpus=2), RayEngine(None, 'auto', gpus=2)):
        with pytest.raises(AfformerError) as told:
            list(engine.sized(3).map(OPEN_ROOT, [4.0]))
        assert str(told.value) == (
            'each process needs a core and 2 GPUs, but no machine of the Ray cluster has both; '
            'its 2 machines have 14 cores and 2 GPUs in all. Add such a machine, or give '
            '--gpus-per-process 0 to compute without GPUs'
        )
    assert ray.resources == []
    with pytest.raises(AfformerError, match=r'needs a core .* 0 machines have 0 cores'):
        processes_with_room([node(4, 1, alive=False)], 0)


@pytest.mark.parametrize(
    ('engine', 'on_gpu', 'expected'),
    [
        (RayEngine(None, 'auto'), False, (1, 0.0)),
        (RayEngine(None, 'auto'), True, (1, 1.0)),
        (RayEngine(None, 'auto', 0.25), True, (1, 0.25)),
        (RayEngine(None, 'auto', 0.0), True, (1, 0.0)),
    ],
)
def test_a_process_that_computes_on_a_gpu_has_one(
    engine: RayEngine,
    on_gpu: bool,
    expected: tuple[float, float],
    use: Callable[[FakeRay], None],
) -> None:
    ray = FakeRay([node(7, 2)])
    use(ray)

    sized = engine.sized(100, on_gpu=on_gpu)
    results = list(sized.map(OPEN_ROOT, [4.0, 9.0]))

    assert sorted(result.get() for result in results) == [2.0, 3.0]
    assert sized.processes == {1.0: 2, 0.25: 7, 0.0: 7}[expected[1]]
    assert set(ray.resources) == {expected}
    assert len(ray.killed) == len(ray.resources) == sized.processes


@pytest.mark.parametrize(
    ('options', 'gpus'),
    [
        ('', None),
        ('--backend torch-cuda', 1.0),
        ('--backend tensorrt', 1.0),
        ('--backend torch-cuda --gpus-per-process 0.5', 0.5),
        ('--backend torch-cuda --gpus-per-process 0', 0.0),
    ],
)
def test_a_backend_of_gpus_asks_for_one(options: str, gpus: float | None) -> None:
    line = f'evaluate --annotations a.json --engine ray {options}'

    assert engine_of(parse(line.split()), 3) == RayEngine(3, None, gpus)


def test_one_and_a_half_gpus_are_refused() -> None:
    with pytest.raises(ValueError, match=r'gpus is 1.5; .* a share below 1 or a whole number'):
        RayEngine(1, gpus=1.5)


def test_a_part_whose_process_dies_is_repeated_or_given_up(use: Callable[[FakeRay], None]) -> None:
    tried: Counter[float] = Counter()

    def dies(part: float) -> bool:
        tried[part] += 1
        return part == 9.0 or (part == 16.0 and tried[part] <= 4)

    ray = FakeRay([node(2, 0)], dies)
    use(ray)

    results = {result.part: result for result in RayEngine(2).map(OPEN_ROOT, [4.0, 9.0, 16.0])}

    assert (results[4.0].get(), results[16.0].get()) == (2.0, 4.0)
    assert results[9.0].told == (
        'RuntimeError: its process died repeatedly, the last time: the actor died with 9.0'
    )
    assert tried == {4.0: 1, 9.0: 5, 16.0: 5}


def test_a_task_that_a_machine_cannot_import_names_the_remedy(
    use: Callable[[FakeRay], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(FakeRay([node(1, 0)]))
    monkeypatch.setitem(sys.modules, 'absent', None)

    with pytest.raises(AfformerError, match=r'cannot open the task: .*absent.* Install'):
        list(RayEngine(1).map(partial(importlib.import_module, 'absent'), [1]))
