# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster of three machines gives what one process gives, with machines that die, too."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest

from afformer_core.cli.main import main
from afformer_core.data.readers.opra import OpraDataset
from afformer_core.evaluation.pairs.pairs import choose_pairs
from afformer_core.evaluation.pairs.parallel_evaluation import RunSettings, evaluate_pairs
from afformer_core.evaluation.protocols.protocols import RowsProtocol
from afformer_core.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.maskahand.sources import find_sources
from afformer_core.media.video import write_video
from afformer_core.parallel.engine import Engine
from afformer_core.parallel.local_engine import LocalEngine
from afformer_core.parallel.ray_engine import RayEngine
from afformer_core.runtime import Grounder, shipped_model_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        importlib.util.find_spec('ray') is None, reason='the extra cluster is not installed'
    ),
]
STORE = 100 * 1024**2
SECONDS_BETWEEN_DEATHS = 7.0


@pytest.fixture(scope='module')
def red() -> Iterator[ModuleType]:
    """The module `red_hands`, which the machines of the cluster import by its folder."""
    folder = str(Path(__file__).parent.parent / 'maskahand')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv('PYTHONPATH', folder, prepend=os.pathsep)
        yield importlib.import_module('red_hands')


def alive_machines() -> int:
    import ray

    return len({node['NodeID'] for node in ray.nodes() if node['Alive']})


class Machines:
    """Two machines beside the one that leads a cluster, each a tree of processes."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._running: list[psutil.Popen] = []
        self.died = 0

    def begin(self) -> None:
        for _ in range(2):
            self._running.append(self._start())

    def replace_one(self) -> None:
        """Kill the machine that has run longest, and start another."""
        before = alive_machines()
        self._kill(self._running.pop(0))
        self.died += 1
        while alive_machines() >= before:
            time.sleep(0.5)
        self._running.append(self._start())

    def end(self) -> None:
        for machine in self._running:
            self._kill(machine)

    def _start(self) -> psutil.Popen:
        """Start a machine and wait until it has joined; two that start at once may clash."""
        before = alive_machines()
        while True:
            machine = self._run()
            while machine.poll() is None:
                if alive_machines() > before:
                    return machine
                time.sleep(0.5)

    def _run(self) -> psutil.Popen:
        ray = [sys.executable, '-m', 'ray.scripts.scripts', 'start', '--block', '--num-cpus', '1']
        store = ['--object-store-memory', str(STORE), '--address', self._address]
        return psutil.Popen([*ray, *store], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _kill(self, machine: psutil.Popen) -> None:
        processes = [machine, *machine.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, 30)


@pytest.fixture(scope='module')
def cluster(red: ModuleType) -> Iterator[Machines]:
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


@pytest.fixture
def dying(cluster: Machines) -> Iterator[Machines]:
    """Machines of the cluster, one of which dies every seven seconds."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(SECONDS_BETWEEN_DEATHS):
            cluster.replace_one()

    thread = threading.Thread(target=kill)
    thread.start()
    yield cluster
    over.set()
    thread.join()


@pytest.fixture(scope='module')
def mine(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Engine], bytes]:
    """The index of twelve videos of 12 s in parts of 4 s, as an engine mines it."""
    folder = tmp_path_factory.mktemp('videos')
    for number in range(12):
        contacts = [(2, 3), (8, 8 + number / 4)]
        write_video(folder / f'{number}.mp4', red.film(12, 10, contacts), 10)

    def mined(engine: Engine) -> bytes:
        detector = red.RedHands if isinstance(engine, LocalEngine) else red.SlowestRedHands
        output = tmp_path_factory.mktemp('mined')
        settings = MiningSettings(clip_frames=8, stride=4, part_frames=20)
        mining = Mining(find_sources([folder]), detector, output, settings)
        list(mining.detect(engine))
        mining.index()
        return (output / 'index.json').read_bytes()

    return mined


@pytest.mark.usefixtures('cluster')
def test_mining_gives_the_index_of_one_process(mine: Callable[[Engine], bytes]) -> None:
    assert mine(RayEngine(3)) == mine(LocalEngine(1))


def test_mining_gives_the_same_index_while_machines_die(
    mine: Callable[[Engine], bytes], dying: Machines
) -> None:
    assert mine(RayEngine(3)) == mine(LocalEngine(1))
    assert dying.died >= 2


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


@pytest.mark.usefixtures('cluster')
def test_numbers_of_an_evaluation_are_the_same(tmp_path: Path) -> None:
    options = ['--scenes', '2', '--demonstrations', '1', '--targets', '2', '--frames', '3']
    assert main(['simulate', str(tmp_path), *options, '--longest-side', '64']) == 0
    settings = RunSettings(
        partial(Grounder.load, shipped_model_folder(), 'torch', 1), RowsProtocol((32, 32)), 7
    )
    pairs = choose_pairs(list(OpraDataset(tmp_path / 'train.json')))

    one = evaluate_pairs(settings, pairs, LocalEngine(1), progress=False)
    other = evaluate_pairs(settings, pairs, RayEngine(2), progress=False)

    assert len(pairs) == 4
    for first, second in zip(one, other, strict=True):
        assert second.peak == first.peak
        assert second.action_scores == first.action_scores
        assert np.array_equal(second.scores.kld, first.scores.kld)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob('*')) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
