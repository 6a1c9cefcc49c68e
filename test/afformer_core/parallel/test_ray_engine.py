# SPDX-License-Identifier: Apache-2.0
"""Processes of a cluster get the GPUs that they need, and their deaths are counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from afformer_core.cli.main import parse
from afformer_core.cli.options.engine_options import engine_of
from afformer_core.errors import AfformerError, DatasetError
from afformer_core.parallel import ray_engine
from afformer_core.parallel.cluster_deaths import ClusterDeaths, deaths_on_living
from afformer_core.parallel.cluster_room import processes_with_room, require_room
from afformer_core.parallel.ray_engine import RayEngine

from .fake_ray import FakeRay

OPEN_ROOT = partial(partial, math.sqrt)


def node(name: str, cores: float, gpus: float, alive: bool = True) -> dict[str, Any]:
    resources = {'CPU': float(cores), 'GPU': float(gpus), 'memory': 1e9}
    return {'NodeID': name, 'Alive': alive, 'Resources': resources}


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
    [
        (0.0, 8 + 6),
        (1.0, 3 + 2),
        # More have a quarter of a GPU than have a core.
        (0.25, 8 + 6),
        (0.4, 6 + 4),
        (2.0, 1 + 1),
        (3.0, 1),
        (4.0, 0),
        (0.1, 8 + 6),
    ],
)
def test_room_is_counted_on_each_machine(gpus: float, expected: int) -> None:
    nodes = [node('a', 8, 3), node('b', 6, 2), node('dead', 64, 8, alive=False)]

    assert processes_with_room(nodes, gpus) == expected


def test_a_tenth_of_a_gpu_is_for_ten() -> None:
    assert processes_with_room([node('a', 40, 1)], 0.1) == 10
    assert processes_with_room([node('a', 40, 1)], 1 / 3) == 3


def test_gpus_that_no_machine_has_are_refused_with_what_there_is() -> None:
    nodes = [node('a', 8, 1), node('b', 6, 1), node('dead', 64, 8, alive=False)]
    with pytest.raises(AfformerError) as told:
        require_room(nodes, 2)
    assert str(told.value) == (
        'each process needs 2 GPUs, but no machine of the Ray cluster has it; its 2 machines have '
        '14 cores and 2 GPUs in all. Add a machine with GPUs, or give --gpus-per-process 0 to '
        'compute without'
    )
    require_room(nodes, 1)


def test_a_cluster_without_gpus_is_refused_at_once(use: Callable[[FakeRay], None]) -> None:
    ray = FakeRay([node('a', 8, 0)])
    use(ray)

    with pytest.raises(AfformerError, match=r'needs 1 GPUs.*1 machines have 8 cores and 0 GPUs'):
        list(RayEngine(1, gpus=1).map(OPEN_ROOT, [4.0]))
    with pytest.raises(AfformerError, match=r'needs 0.25 GPUs'):
        RayEngine(None, 'auto', gpus=0.25).sized(3)
    assert ray.resources == []


def test_a_cluster_without_cores_is_refused() -> None:
    with pytest.raises(AfformerError, match=r'needs a core.*0 machines have 0 cores and 0 GPUs'):
        require_room([node('dead', 4, 1, alive=False)], 0)


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
    ray = FakeRay([node('a', 7, 2)])
    use(ray)

    sized = engine.sized(100, on_gpu=on_gpu)
    results = list(sized.map(OPEN_ROOT, [4.0, 9.0]))

    assert sorted(result.get() for result in results) == [2.0, 3.0]
    assert sized.processes == {1.0: 2, 0.25: 7, 0.0: 7}[expected[1]]
    assert set(ray.resources) == {expected}
    assert ray.killed == len(ray.resources) == sized.processes


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
    with pytest.raises(ValueError, match=r'gpus is 1.5; expected a share below 1, or a whole'):
        RayEngine(1, gpus=1.5)


def test_a_part_is_done_again_where_its_process_died(use: Callable[[FakeRay], None]) -> None:
    tried: Counter[float] = Counter()

    def dies(part: float) -> bool:
        tried[part] += 1
        return part == 9.0 and tried[part] <= 4

    ray = FakeRay([node('a', 2, 0)], dies)
    use(ray)

    results = list(RayEngine(2).map(OPEN_ROOT, [4.0, 9.0, 16.0]))

    assert sorted(result.get() for result in results) == [2.0, 3.0, 4.0]
    assert tried == {4.0: 1, 9.0: 5, 16.0: 1}


def test_a_task_goes_on_however_often_processes_die_one_at_a_time(
    use: Callable[[FakeRay], None],
) -> None:
    tried: Counter[float] = Counter()

    def dies(part: float) -> bool:
        tried[part] += 1
        return tried[part] == 1

    use(FakeRay([node('a', 1, 0)], dies))

    results = list(RayEngine(1).map(OPEN_ROOT, [float(number) for number in range(11)]))

    assert sum(result.get() ** 2 for result in results) == pytest.approx(55)


def test_a_part_that_kills_five_processes_is_given_up(use: Callable[[FakeRay], None]) -> None:
    # Parts of other values are done between the deaths.
    use(FakeRay([node('a', 9, 0)], lambda part: part == 9.0))

    results = {each.part: each for each in RayEngine(9).map(OPEN_ROOT, [9.0, 4.0])}

    assert results[4.0].get() == 2.0
    assert results[9.0].told == (
        'RuntimeError: its process died 5 times, the last time: the actor died with 9.0'
    )


def test_deaths_in_a_row_end_the_task() -> None:
    deaths = ClusterDeaths()
    for _ in range(3 * 5 - 1):
        deaths.process_died(3, 'out of memory')

    with pytest.raises(DatasetError, match=r'^15 processes of the .* the last: out of memory. '):
        deaths.process_died(3, 'out of memory')


def test_a_part_that_was_done_ends_a_row_of_deaths() -> None:
    deaths = ClusterDeaths()
    for _ in range(4):
        for _ in range(3 * 5 - 1):
            deaths.process_died(3, 'out of memory')
        deaths.done()


def test_deaths_with_a_machine_are_nobodys_fault() -> None:
    nodes = [node('a', 2, 0), node('b', 2, 0, alive=False)]
    deaths = ClusterDeaths()

    assert [deaths.gives_up(7, 'a', nodes) for _ in range(4)] == [False] * 4
    assert [deaths.gives_up(7, 'b', nodes) for _ in range(6)] == [False] * 6
    assert not deaths.gives_up(8, 'a', nodes)
    assert deaths.gives_up(7, 'a', nodes)


def test_a_part_is_not_blamed_for_the_death_of_its_machine() -> None:
    nodes = [node('a', 1, 0), node('b', 1, 0, alive=False)]
    assert deaths_on_living(['a', 'b', 'a', 'b', 'gone'], nodes) == 2
