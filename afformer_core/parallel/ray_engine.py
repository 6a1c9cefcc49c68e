# SPDX-License-Identifier: Apache-2.0
"""An engine with processes of a Ray cluster, whose machines may fail and return.

Nothing in Ray takes the place of these actors. Ray Data takes all parts before it begins, and the
caller reads some of them only when a process is idle. Ray's ActorPool does not tell which part an
actor died with, and gives parts to actors for which no machine has room. A task on a GPU ends its
process, so that each part would open the model again.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from types import ModuleType
from typing import Any, Generic

from afformer_core.errors import AfformerError
from afformer_core.parallel.cluster_deaths import MOST_DEATHS, ClusterDeaths
from afformer_core.parallel.cluster_room import processes_with_room, require_room
from afformer_core.parallel.engine import (
    OpenTask,
    ParallelEngine,
    Part,
    PartResult,
    Value,
    do_part_for_another,
)
from afformer_core.parallel.ray_connection import connected, told


@dataclass(frozen=True)
class RayEngine(ParallelEngine):
    """An `ParallelEngine` with processes of a Ray cluster.

    Each process is an actor with one core. If it dies with its machine, another process executes
    its part, and Ray starts a replacement as soon as there is capacity. Machines that join are
    used.

    Attributes:
        address: HOST:PORT of a cluster, or `auto` for one that runs on this machine; None to start
            a temporary one on this machine.
        gpus: GPUs of each process; with a fraction, several processes share one. None for one GPU
            for each process that computes on a GPU.

    Raises:
        ValueError: the number of GPUs is negative, or above 1 and not whole.
    """

    address: str | None = None
    gpus: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gpus is not None and self.gpus < 0:
            raise ValueError(f'gpus is {self.gpus:g}; expected at least 0')
        if self.gpus is not None and self.gpus > 1 and self.gpus % 1:
            raise ValueError(f'gpus is {self.gpus:g}; expected a share below 1, or a whole number')

    def room(self, *, on_gpu: bool = False) -> int:
        """Return the number of processes for which the cluster has cores and GPUs.

        Raises:
            AfformerError: Ray is not installed, the cluster is not reached, or none of its
                machines has them.
        """
        gpus = self._with_gpus(on_gpu=on_gpu).gpus or 0.0
        if self.address is None:
            nodes = [_this_machine()]
        else:
            with connected(self.address, None) as ray:
                nodes = ray.nodes()
        require_room(nodes, gpus)
        return processes_with_room(nodes, gpus)

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
            AfformerError: Ray is not installed, the cluster is not reached, none of its machines
                has the GPUs, or processes die repeatedly without finishing a part.
            Exception: the task cannot be opened.
        """
        processes = self.processes or self.room()
        gpus = self.gpus or 0.0
        with connected(self.address, processes) as ray:
            require_room(ray.nodes(), gpus)
            actors = _Actors(ray, open_task, iter(parts), gpus)
            try:
                for _ in range(processes):
                    actors.start()
                yield from actors.results()
            finally:
                actors.end()


@dataclass(frozen=True)
class _Process:
    """An actor that has opened the task, and the identity of its machine."""

    actor: Any
    machine: str


class _Actors(Generic[Part, Value]):
    """The actors of a cluster, and their current parts."""

    def __init__(
        self, ray: ModuleType, open_task: OpenTask[Part, Value], parts: Iterator[Part], gpus: float
    ) -> None:
        self._ray = ray
        # Unpacked in `open`, which reports errors.
        self._open_task = ray.put(ray.cloudpickle.dumps(open_task))
        self._parts = enumerate(parts)
        self._actor = ray.remote(num_cpus=1, num_gpus=gpus)(_Actor)
        # The actor of each awaited answer, with the number of its part and the part.
        self._opening: dict[Any, Any] = {}
        self._working: dict[Any, tuple[_Process, tuple[int, Part]]] = {}
        self._idle: list[_Process] = []
        # Pending parts: one that was just taken, and those whose process died.
        self._waiting: list[tuple[int, Part]] = []
        self._deaths = ClusterDeaths()

    def start(self) -> None:
        """Start an actor, as soon as there is room."""
        actor = self._actor.remote(self._open_task)
        self._opening[actor.open.remote()] = actor

    def results(self) -> Iterator[PartResult[Part, Value]]:
        """Yield the results of all parts."""
        while self._working or self._more():
            awaited = [*self._working, *self._opening]
            [answer], _ = self._ray.wait(awaited, num_returns=1)
            if answer in self._opening:
                self._opened(answer)
            else:
                result = self._done(answer)
                if result is not None:
                    yield result
            self._give()

    def end(self) -> None:
        """End all actors, even if they are busy."""
        opened = [*self._idle, *(process for process, _ in self._working.values())]
        for actor in (*self._opening.values(), *(process.actor for process in opened)):
            self._ray.kill(actor)

    def _opened(self, answer: Any) -> None:
        actor = self._opening.pop(answer)
        try:
            machine = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ImportError):
                raise AfformerError(
                    f'a machine of the cluster cannot open the task: {error.cause}. Install the '
                    'same release of afformer with the same extras on every machine'
                ) from error
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            self._replace(error)
        else:
            self._idle.append(_Process(actor, machine))

    def _done(self, answer: Any) -> PartResult[Part, Value] | None:
        """Return the result of a part; None if its process died and the part is repeated."""
        process, (number, part) = self._working.pop(answer)
        try:
            result: PartResult[None, Value] = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            self._replace(error)
            if not self._deaths.gives_up(number, process.machine, self._ray.nodes()):
                self._waiting.append((number, part))
                return None
            died = f'its process died {MOST_DEATHS} times, the last time: {told(error)}'
            return PartResult(part, error=RuntimeError(died))
        self._deaths.done()
        self._idle.append(process)
        return result.of(part)

    def _replace(self, error: Exception) -> None:
        processes = len(self._working) + len(self._opening) + len(self._idle) + 1
        self._deaths.process_died(processes, told(error))
        self.start()

    def _more(self) -> bool:
        """Check whether there is a pending part, and take the next one from the parts."""
        if not self._waiting:
            self._waiting.extend(islice(self._parts, 1))
        return bool(self._waiting)

    def _give(self) -> None:
        while self._idle and self._more():
            process, taken = self._idle.pop(), self._waiting.pop()
            self._working[process.actor.do.remote(taken[1])] = (process, taken)


def _this_machine() -> dict[str, Any]:
    """Describe this machine in Ray's format."""
    import torch

    resources = {'CPU': torch.get_num_threads(), 'GPU': torch.cuda.device_count()}
    return {'NodeID': 'this', 'Alive': True, 'Resources': resources}


class _Actor:
    """A process of the cluster that executes parts."""

    def __init__(self, open_task: bytes) -> None:
        self._open_task = open_task

    def open(self) -> str:
        """Open the task; return the identity of the machine."""
        import cv2
        import ray

        cv2.setNumThreads(1)
        self._task = pickle.loads(self._open_task)()
        return str(ray.get_runtime_context().get_node_id())

    def do(self, part: Any) -> PartResult[None, Any]:
        """Execute a part."""
        return do_part_for_another(self._task, part)
