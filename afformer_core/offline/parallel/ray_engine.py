# SPDX-License-Identifier: Apache-2.0
"""An engine with processes of a Ray cluster, whose machines may fail and return.

Ray starts processes anew. They are actors, because a task on a GPU ends its process, so that each
part would open the model again.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from types import ModuleType
from typing import Any

from afformer_core.errors import AfformerError, how_to_install
from afformer_core.offline.parallel.engine import (
    OpenTask,
    ParallelEngine,
    Part,
    PartResult,
    Task,
    Value,
    do_part_for_another,
)

_SAME_RELEASE = 'Install the same release of afformer with the same extras on every machine'
# Seconds within which a cluster must answer.
_PATIENCE = 10.0


@contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Yield Ray, connected to a cluster.

    Args:
        address: HOST:PORT or `auto`. If this process is already connected, that cluster is used.

    Raises:
        AfformerError: Ray is not installed, or the cluster cannot be reached.
        ValueError: the address is wrong.
    """
    # Ray sends usage statistics unless they are disabled.
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        import ray
    except ImportError as error:
        raise AfformerError(
            f'Ray is not installed. Run {how_to_install("cluster")}; or leave out --engine ray'
        ) from error
    if ray.is_initialized():
        yield ray
        return
    if ':' in address:
        _require_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        # Ray raises its base class if it does not answer in time.
        raise AfformerError(
            f'the Ray cluster {address} cannot be reached: {told(error)}. Start one with `ray '
            'start --head`, and give its address'
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_reachable(address: str) -> None:
    """Raise an error at once if nothing listens; Ray would retry for two minutes."""
    host, _, port = address.rpartition('//')[2].rpartition(':')
    if not port.isdecimal():
        raise ValueError(f"--address is {address!r}; expected HOST:PORT or 'auto'")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        raise AfformerError(
            f'the Ray cluster {address} cannot be reached: {error}. Start one with `ray start '
            '--head`, and give its address'
        ) from error


def told(error: Exception) -> str:
    """Return the most informative line of an error of Ray."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    last = lines[-1] if re.match(r'\w+(Error|Exception): ', lines[-1]) else lines[0]
    return last.rstrip('.')


# Deaths of its process after which a part is given up.
_MOST_DEATHS = 5


@dataclass(frozen=True)
class RayEngine(ParallelEngine):
    """An `ParallelEngine` with processes of a Ray cluster.

    Each process has one core. If it dies, another repeats its part, and Ray starts a replacement
    as soon as there is capacity. Machines that join are used.

    Attributes:
        address: HOST:PORT of a cluster, or `auto` for one that runs on this machine.
        gpus: GPUs of each process; with a fraction, several processes share one. None for one GPU
            for each process that computes on a GPU.

    Raises:
        ValueError: the number of GPUs is negative, or above 1 and not whole.
    """

    address: str = 'auto'
    gpus: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gpus is not None and (self.gpus < 0 or (self.gpus > 1 and self.gpus % 1)):
            raise ValueError(
                f'gpus is {self.gpus:g}; expected at least 0, a share below 1 or a whole number'
            )

    def room(self, *, on_gpu: bool = False) -> int:
        """Return the number of processes for which the cluster has cores and GPUs.

        Raises:
            AfformerError: Ray is not installed, the cluster is not reached, or none of its
                machines has them.
        """
        gpus = self._with_gpus(on_gpu=on_gpu).gpus or 0.0
        with connected(self.address) as ray:
            return processes_with_room(ray.nodes(), gpus)

    def sized(self, parts: int, *, on_gpu: bool = False) -> ParallelEngine:
        """Return it with a number of processes, and of GPUs (see `ParallelEngine.sized`)."""
        return super(RayEngine, self._with_gpus(on_gpu=on_gpu)).sized(parts, on_gpu=on_gpu)

    def _with_gpus(self, *, on_gpu: bool) -> RayEngine:
        return replace(self, gpus=float(on_gpu)) if self.gpus is None else self

    def map(
        self, open_task: OpenTask[Part, Value], parts: Iterable[Part]
    ) -> Iterator[PartResult[Part, Value]]:
        """Execute all parts; yield their results as they arrive (see `ParallelEngine.map`).

        Raises:
            AfformerError: Ray is not installed, the cluster is not reached, or none of its
                machines has the GPUs.
            Exception: the task cannot be opened.
        """
        gpus = self.gpus or 0.0
        processes = self.processes or self.room()
        with connected(self.address) as ray:
            processes_with_room(ray.nodes(), gpus)
            options = {'num_cpus': 1, 'num_gpus': gpus}
            actor = ray.remote(**options, max_restarts=-1, max_task_retries=-1)(_Actor)
            # Unpacked with the first part, which reports errors.
            packed = ray.put(ray.cloudpickle.dumps(open_task))
            actors = [actor.remote(packed) for _ in range(processes)]
            try:
                yield from _results(ray, actors, iter(parts))
            finally:
                for started in actors:
                    ray.kill(started)


def _results(
    ray: ModuleType, actors: Sequence[Any], parts: Iterator[Part]
) -> Iterator[PartResult[Part, Any]]:
    """Give parts to actors that have a machine and are idle, and yield the results."""
    starting = {actor.start.remote(): actor for actor in actors}
    working: dict[Any, tuple[Any, Part, int]] = {}
    # Parts to be given, each with the number of deaths of its process.
    waiting: list[tuple[Part, int]] = []
    are_left = True
    while working or waiting or are_left:
        [answer], _ = ray.wait([*working, *starting], num_returns=1)
        if answer in starting:
            actor = starting.pop(answer)
            try:
                ray.get(answer)
            except ray.exceptions.RayError as error:
                raise AfformerError(
                    f'a process of the cluster cannot start: {told(error)}. {_SAME_RELEASE}'
                ) from error
        else:
            actor, part, deaths = working.pop(answer)
            try:
                yield _result(ray, answer, part)
            except ray.exceptions.RayError as error:
                if deaths + 1 < _MOST_DEATHS:
                    waiting.append((part, deaths + 1))
                else:
                    died = f'its process died repeatedly, the last time: {told(error)}'
                    yield PartResult(part, error=RuntimeError(died))
                starting[actor.start.remote()] = actor
                continue
        waiting.extend((part, 0) for part in islice(parts, 0 if waiting else 1))
        if waiting:
            part, deaths = waiting.pop()
            # Ray would repeat it before it knows that the machine is lost.
            answer = actor.do.options(max_task_retries=0).remote(part)
            working[answer] = (actor, part, deaths)
        else:
            are_left = False
            # A process whose machine died may wait for this one's core.
            ray.kill(actor)


def _result(ray: ModuleType, answer: Any, part: Part) -> PartResult[Part, Any]:
    try:
        result: PartResult[None, Any] = ray.get(answer)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ImportError):
            raise AfformerError(
                f'a machine of the cluster cannot open the task: {error.cause}. {_SAME_RELEASE}'
            ) from error
        raise error.cause from error
    return result.of(part)


def processes_with_room(nodes: Sequence[Mapping[str, Any]], gpus: float) -> int:
    """Return the number of processes that fit on the machines of a cluster at once.

    Args:
        nodes: Ray's information about all machines, including dead ones.
        gpus: GPUs of each process, a share of one or several.

    Raises:
        AfformerError: none fits. Ray would wait for a machine silently.
    """
    machines = [
        (node['Resources'].get('CPU', 0.0), node['Resources'].get('GPU', 0.0))
        for node in nodes
        if node['Alive']
    ]
    # 0.1 has no exact binary representation.
    room = sum(
        int(min(cores, count / gpus + 1e-9) if gpus else cores) for cores, count in machines
    )
    if room:
        return room
    raise AfformerError(
        f'each process needs a core and {gpus:g} GPUs, but no machine of the Ray cluster has '
        f'both; its {len(machines)} machines have {sum(cores for cores, _ in machines):g} cores '
        f'and {sum(count for _, count in machines):g} GPUs in all. Add such a machine, or give '
        '--gpus-per-process 0 to compute without GPUs'
    )


class _Actor:
    """A process of the cluster that executes parts."""

    def __init__(self, open_task: bytes) -> None:
        self._open_task = open_task
        self._task: Task[Any, Any] | None = None

    def start(self) -> None:
        """Answer as soon as this process runs, also after its death."""

    def do(self, part: Any) -> PartResult[None, Any]:
        """Execute a part."""
        if self._task is None:
            import cv2

            cv2.setNumThreads(1)
            self._task = pickle.loads(self._open_task)()
        return do_part_for_another(self._task, part)
