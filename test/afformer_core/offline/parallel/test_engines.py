# SPDX-License-Identifier: Apache-2.0
"""Engines: all parts are done on the GPUs that they need, and no process stays behind."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from afformer_core.cli.main import build_parser
from afformer_core.cli.options.engine_options import engine_of
from afformer_core.errors import AfformerError, DatasetError
from afformer_core.offline.parallel import ray_engine
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import LocalEngine
from afformer_core.offline.parallel.ray_engine import RayEngine, processes_with_room
from afformer_core.worker_process import process_number

WITHOUT_RAY = importlib.util.find_spec('ray') is None
ENGINES = [
    LocalEngine(1),
    LocalEngine(2),
    pytest.param(
        RayEngine(2),
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed'),
        ],
    ),
]
SHARED = ENGINES[1:]


@pytest.fixture(scope='module')
def tasks() -> Iterator[ModuleType]:
    """Tasks that other processes import by their folder."""
    folder = str(Path(__file__).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv('PYTHONPATH', folder, prepend=os.pathsep)
        yield importlib.import_module('part_tasks')


@pytest.fixture(scope='module')
def started_ray(tasks: ModuleType) -> Iterator[None]:
    """Ray of this machine, which takes seconds to start."""
    import ray

    ray.init(
        'local',
        num_cpus=2,
        num_gpus=1,
        include_dashboard=False,
        object_store_memory=200 * 1024**2,
        log_to_driver=False,
    )
    yield
    ray.shutdown()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> ParallelEngine:
    if isinstance(request.param, RayEngine):
        request.getfixturevalue('started_ray')
    return request.param


def workers() -> list[psutil.Process]:
    """Processes of a local engine."""
    return [
        child for child in psutil.Process().children() if 'spawn_main' in ' '.join(child.cmdline())
    ]


# Before those that start a cluster, which would be used.
@pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed')
def test_a_cluster_that_is_not_there_is_told(tasks: ModuleType) -> None:
    with pytest.raises(AfformerError, match=r'127.0.0.1:1 cannot be reached: .*Start one'):
        list(RayEngine(1, '127.0.0.1:1').map(tasks.open_root, [4.0]))


@pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed')
def test_a_cluster_that_does_not_start_is_told(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def time_out(**_: object) -> None:
        raise Exception('The current node timed out during startup.')

    monkeypatch.setattr('ray.init', time_out)
    with pytest.raises(AfformerError, match=r'auto cannot .*: The current .* startup\. Start'):
        list(RayEngine(1).map(tasks.open_root, [4.0]))


@pytest.mark.parametrize('engine', ENGINES, ids=str, indirect=True)
def test_all_parts_are_done(engine: ParallelEngine, tasks: ModuleType) -> None:
    parts = [16.0, 9.0, 4.0, 1.0]
    results = list(engine.map(tasks.open_root, parts))

    # A large one is not sent back.
    assert all(any(result.part is part for part in parts) for result in results)
    assert {result.part: result.get() for result in results} == {
        16.0: 4.0, 9.0: 3.0, 4.0: 2.0, 1.0: 1.0,
    }  # fmt: skip
    assert len(results) == 4
    assert list(engine.map(tasks.open_root, [])) == []
    assert workers() == []


@pytest.mark.parametrize('engine', ENGINES, ids=str, indirect=True)
def test_an_error_is_a_result_and_the_other_parts_are_done(
    engine: ParallelEngine, tasks: ModuleType
) -> None:
    results = {result.part: result for result in engine.map(tasks.open_root, [4.0, -1.0, 9.0])}

    assert (results[4.0].get(), results[9.0].get()) == (2.0, 3.0)
    assert results[-1.0].told == 'ValueError: math domain error'
    with pytest.raises(ValueError, match='math domain error') as told:
        results[-1.0].get()
    if engine != LocalEngine(1):
        assert 'in another process' in str(told.value.__cause__)


@pytest.mark.parametrize('engine', SHARED, ids=str, indirect=True)
def test_an_error_that_cannot_be_sent_is_sent_in_words(
    engine: ParallelEngine, tasks: ModuleType
) -> None:
    [result] = engine.map(tasks.open_strange_error, ['one'])

    with pytest.raises(RuntimeError, match='TwoWordsError: one and more'):
        result.get()


@pytest.mark.parametrize('engine', ENGINES, ids=str, indirect=True)
def test_a_task_that_cannot_be_opened_ends_all(engine: ParallelEngine, tasks: ModuleType) -> None:
    with pytest.raises(FileNotFoundError, match='there is no detector'):
        list(engine.map(tasks.open_nothing, [1, 2, 3]))
    assert workers() == []


@pytest.mark.parametrize('engine', SHARED, ids=str, indirect=True)
def test_a_process_opens_the_task_once(
    engine: ParallelEngine, tasks: ModuleType, tmp_path: Path
) -> None:
    results = list(engine.map(partial(tasks.Opened, tmp_path), range(40)))

    opened = {int(path.name) for path in tmp_path.iterdir()}
    assert {result.get() for result in results} <= opened
    assert 1 <= len(opened) <= 2


@pytest.mark.parametrize('engine', SHARED, ids=str, indirect=True)
def test_giving_up_ends_the_others_at_once(engine: ParallelEngine, tasks: ModuleType) -> None:
    results = engine.map(tasks.open_sleep, [0, 100, 100])
    next(results)
    before = time.monotonic()

    results.close()

    assert time.monotonic() - before < 60
    assert workers() == []


@pytest.mark.parametrize('processes', [1, 2])
def test_parts_are_taken_when_they_are_needed(processes: int, tasks: ModuleType) -> None:
    taken: list[int] = []

    def parts() -> Iterator[float]:
        for number in range(100):
            taken.append(number)
            yield 4.0

    results = LocalEngine(processes).map(tasks.open_root, parts())
    assert [next(results).get() for _ in range(3)] == [2.0, 2.0, 2.0]
    results.close()
    assert len(taken) <= processes + 2


def test_a_process_that_is_killed_is_told(tasks: ModuleType) -> None:
    with pytest.raises(DatasetError, match='was killed, perhaps for lack of memory'):
        list(LocalEngine(2).map(tasks.open_exit, [1, 1]))
    assert workers() == []


def test_numbers_that_cannot_be_are_refused() -> None:
    for kind in (LocalEngine, RayEngine):
        with pytest.raises(ValueError, match='processes is 0; expected at least 1'):
            kind(0)
    with pytest.raises(ValueError, match=r'gpus is 1.5; .* a share below 1 or a whole number'):
        RayEngine(1, gpus=1.5)


def test_there_are_never_more_processes_than_parts() -> None:
    assert LocalEngine(4).sized(3) == LocalEngine(3)
    assert LocalEngine(4).sized(9) == LocalEngine(4)
    assert LocalEngine(4).sized(0) == LocalEngine(1)
    assert RayEngine(4, 'head:1', 0.5).sized(2) == RayEngine(2, 'head:1', 0.5)
    assert LocalEngine(None).sized(1000).processes == LocalEngine().room()


def test_each_process_knows_its_number(tasks: ModuleType) -> None:
    results = LocalEngine(3).map(tasks.open_number, [2.0] * 3)
    assert sorted(result.get() for result in results) == [0, 1, 2]
    assert process_number() == 0


def test_processes_divide_the_cores_and_leave_interrupts_to_the_first(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, 'cpu_count', lambda: 7)

    (result,) = LocalEngine(2).map(tasks.open_threads, ['blas'])

    *found, of_opencv, ignored = result.get()
    assert set(found) == {3}
    assert (of_opencv, ignored) == (1, True)


@pytest.mark.slow
@pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed')
@pytest.mark.usefixtures('started_ray')
def test_a_part_is_done_again_if_its_process_dies(tasks: ModuleType, tmp_path: Path) -> None:
    results = RayEngine(2).map(partial(tasks.DiesOnce, tmp_path), range(5))

    assert sorted(result.get() for result in results) == [0, 1, 4, 9, 16]


@pytest.mark.slow
@pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed')
@pytest.mark.usefixtures('started_ray')
def test_a_part_whose_process_always_dies_is_given_up(tasks: ModuleType) -> None:
    for result in RayEngine(1).map(tasks.open_exit, [1, 1]):
        assert result.told.startswith('RuntimeError: its process died repeatedly, the last time: ')


@pytest.mark.slow
@pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed')
@pytest.mark.usefixtures('started_ray')
@pytest.mark.parametrize(('gpus', 'seen'), [(0.5, '0'), (1.0, '0'), (0.0, '')])
def test_processes_see_the_gpus_that_they_ask_for(
    gpus: float, seen: str, tasks: ModuleType
) -> None:
    engine = RayEngine(1 if gpus == 1 else 2, gpus=gpus)
    results = list(engine.map(tasks.open_environment, ['CUDA_VISIBLE_DEVICES'] * 3))

    assert [result.get() for result in results] == [seen] * 3


@pytest.mark.slow
@pytest.mark.skipif(WITHOUT_RAY, reason='the extra cluster is not installed')
@pytest.mark.usefixtures('started_ray')
def test_what_a_cluster_cannot_do_is_told(tasks: ModuleType) -> None:
    with pytest.raises(AfformerError, match='needs a core and 2 GPUs, but no machine'):
        list(RayEngine(1, gpus=2).map(tasks.open_root, [4.0]))
    with pytest.raises(AfformerError, match=r'cannot open the task: .*absent.* Install'):
        list(RayEngine(1).map(partial(importlib.import_module, 'absent'), [1]))


def test_without_ray_its_extra_is_named(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(AfformerError, match=r"Run `pip install '\.\[cluster\]'`"):
        list(RayEngine(1).map(tasks.open_root, [4.0]))


def node(cores: float, gpus: float, alive: bool = True) -> dict[str, Any]:
    resources = {'CPU': float(cores), 'GPU': float(gpus), 'memory': 1e9}
    return {'Alive': alive, 'Resources': resources}


@pytest.mark.parametrize(
    ('gpus', 'expected'),
    [(0.0, 8 + 40), (1.0, 3 + 1), (0.25, 8 + 4), (2.0, 1), (0.1, 8 + 10), (1 / 3, 8 + 3)],
)
def test_room_is_counted_on_each_machine(gpus: float, expected: int) -> None:
    nodes = [node(8, 3), node(40, 1), node(64, 8, alive=False)]

    assert processes_with_room(nodes, gpus) == expected


def test_what_no_machine_has_is_refused_with_what_there_is() -> None:
    nodes = [node(8, 1), node(6, 1), node(64, 8, alive=False)]

    with pytest.raises(AfformerError) as told:
        processes_with_room(nodes, 2)
    assert str(told.value) == (
        'each process needs a core and 2 GPUs, but no machine of the Ray cluster has both; '
        'its 2 machines have 14 cores and 2 GPUs in all. Add such a machine, or give '
        '--gpus-per-process 0 to compute without GPUs'
    )
    with pytest.raises(AfformerError, match=r'needs a core .* 0 machines have 0 cores'):
        processes_with_room([node(4, 1, alive=False)], 0)


@pytest.mark.parametrize(
    ('gpus', 'on_gpu', 'processes', 'expected'),
    [(None, False, 7, 0.0), (None, True, 2, 1.0), (0.25, True, 7, 0.25), (0.0, True, 7, 0.0)],
)
def test_a_process_that_computes_on_a_gpu_has_one(
    gpus: float | None,
    on_gpu: bool,
    processes: int,
    expected: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = SimpleNamespace(nodes=lambda: [node(7, 2)])
    monkeypatch.setattr(ray_engine, 'connected', lambda _: nullcontext(cluster))

    sized = RayEngine(None, gpus=gpus).sized(100, on_gpu=on_gpu)

    assert sized == RayEngine(processes, gpus=expected)


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
    arguments = build_parser().parse_args(line.split())
    assert engine_of(arguments, 3) == RayEngine(3, 'auto', gpus)
