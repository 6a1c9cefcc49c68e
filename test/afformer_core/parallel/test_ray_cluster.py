# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster of three machines gives what one process gives, with machines that die, too."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.data.annotations import open_annotations
from afformer_core.evaluation.pairs.pair_result import PairResult
from afformer_core.evaluation.pairs.pairs import choose_pairs
from afformer_core.evaluation.pairs.parallel_evaluation import RunSettings, evaluate_pairs
from afformer_core.evaluation.protocols.protocols import RowsProtocol
from afformer_core.parallel.engine import OpenTask, ParallelEngine, Part, PartResult, Value
from afformer_core.parallel.local_engine import LocalEngine
from afformer_core.parallel.ray_engine import RayEngine
from afformer_core.runtime import ArrayGrounder, shipped_model_folder

from .ray_machines import STORE, Machines

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        importlib.util.find_spec('ray') is None, reason='the extra cluster is not installed'
    ),
]
PARTS_BETWEEN_DEATHS = 3


@pytest.fixture(scope='module')
def slow() -> Iterator[ModuleType]:
    """The module `slow_work`, which the machines of the cluster import by its folder."""
    yield from imported(Path(__file__).parent, 'slow_work')


def imported(folder: Path, name: str) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv('PYTHONPATH', str(folder), prepend=os.pathsep)
        yield importlib.import_module(name)


@pytest.fixture(scope='module')
def cluster(slow: ModuleType) -> Iterator[Machines]:
    """Three machines of one core each, of which the first leads."""
    import ray
    from ray.cluster_utils import Cluster

    head = {'num_cpus': 1, 'object_store_memory': STORE, 'include_dashboard': False}
    cluster = Cluster(True, False, head)
    machines = Machines(cluster.address)
    try:
        ray.init(cluster.address, log_to_driver=False)
        machines.begin()
        yield machines
    finally:
        machines.end()
        ray.shutdown()
        cluster.shutdown()


@dataclass(frozen=True)
class DyingEngine(RayEngine):
    """Three processes, one of whose machines dies after every third part, with what it does."""

    processes: int | None = 3
    machines: Machines | None = None

    def map(
        self, open_task: OpenTask[Part, Value], parts: Iterable[Part]
    ) -> Iterator[PartResult[Part, Value]]:
        assert self.machines is not None
        self.machines.died = 0
        for number, result in enumerate(super().map(open_task, parts), 1):
            if number % PARTS_BETWEEN_DEATHS == 0:
                self.machines.replace_one()
            yield result


@pytest.fixture
def dying(cluster: Machines) -> DyingEngine:
    return DyingEngine(machines=cluster)


@pytest.mark.usefixtures('cluster')
def test_scenes_are_the_same_bytes(tmp_path: Path) -> None:
    options = ['--scenes', '6', '--demonstrations', '1', '--targets', '1', '--frames', '3']
    options += ['--longest-side', '64', '--families', 'keypad']

    assert main(['simulate', str(tmp_path / 'one'), *options]) == 0
    run = ['--engine', 'ray', '--processes', '3']
    assert main(['simulate', str(tmp_path / 'cluster'), *options, *run]) == 0

    one, other = (contents(tmp_path / name) for name in ('one', 'cluster'))
    assert len(one) > 12
    assert other == one


@pytest.fixture(scope='module')
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[PairResult]]:
    """The numbers of 18 pairs of nine scenes, as an engine evaluates them."""
    folder = tmp_path_factory.mktemp('pairs')
    options = ['--scenes', '9', '--demonstrations', '1', '--targets', '2', '--frames', '3']
    assert main(['simulate', str(folder), *options, '--longest-side', '64']) == 0
    pairs = choose_pairs(list(open_annotations(folder / 'train.json')))
    assert len(pairs) == 18

    def evaluated(
        engine: ParallelEngine, kind: type[ArrayGrounder] = ArrayGrounder
    ) -> list[PairResult]:
        opened = partial(kind.load, shipped_model_folder(), 'torch', 1)
        settings = RunSettings(opened, RowsProtocol((32, 32)), 7)
        return evaluate_pairs(settings, pairs, engine, progress=False)

    return evaluated


def require_same_numbers(one: list[PairResult], other: list[PairResult]) -> None:
    for first, second in zip(one, other, strict=True):
        assert second.peak == first.peak
        assert second.action_scores == first.action_scores
        assert np.array_equal(second.scores.kld, first.scores.kld)


@pytest.mark.usefixtures('cluster')
def test_numbers_of_an_evaluation_are_the_same(
    evaluate: Callable[..., list[PairResult]],
) -> None:
    require_same_numbers(evaluate(LocalEngine(1)), evaluate(RayEngine(2)))


def test_numbers_of_an_evaluation_are_the_same_while_machines_die(
    evaluate: Callable[..., list[PairResult]],
    slow: ModuleType,
    cluster: Machines,
    dying: DyingEngine,
) -> None:
    require_same_numbers(evaluate(LocalEngine(1)), evaluate(dying, slow.SlowGrounder))
    assert cluster.died >= 2


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob('*')) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
