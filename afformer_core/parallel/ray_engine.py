# SPDX-License-Identifier: Apache-2.0
"""Processes of a Ray cluster, whose machines may die and come back."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any, Generic

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.parallel.engine import (
    Engine,
    OpenTask,
    Part,
    PartResult,
    Value,
    do_part_for_another,
)
from afformer_core.parallel.local_engine import LocalEngine
from afformer_core.parallel.ray_connection import connected, told

# Deaths of its process, on machines that live, after which a part is given up, and deaths in a
# row, for each process, after which everything is.
_MOST_DEATHS = 5


@dataclass(frozen=True)
class RayEngine(Engine):
    """Processes of a Ray cluster, as an `Engine`.

    Each is an actor with one core. If it dies with its machine, its part is done by another, and
    Ray starts one in its place as soon as there is room; machines that join are used.

    Attributes:
        address: HOST:PORT of a cluster, or `auto` for one that runs on this machine; None to
            start one here for as long as needed.
        gpus: GPUs of each process; several processes share one by a fraction.

    Raises:
        ValueError: the number of GPUs is negative.
    """

    address: str | None = None
    gpus: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gpus < 0:
            raise ValueError(f'gpus is {self.gpus:g}; expected at least 0')

    def room(self, on_gpu: bool = False) -> int:
        """Return the number of processes that the cluster has cores and GPUs for.

        Raises:
            AfformerError: Ray is not installed, or the cluster is not reached.
        """
        if self.address is None:
            return LocalEngine().room(on_gpu)
        with connected(self.address, None) as ray:
            resources = ray.cluster_resources()
        room = int(resources.get('CPU', 0))
        if self.gpus:
            room = min(room, int(resources.get('GPU', 0) / self.gpus))
        return max(1, room)

    def map(
        self, open_task: OpenTask[Part, Value], parts: Iterable[Part]
    ) -> Iterator[PartResult[Part, Value]]:
        """Do all parts; yields their results as they come (see `Engine.map`).

        Raises:
            AfformerError: Ray is not installed, the cluster is not reached, or processes die
                again and again without doing a part.
            Exception: the task cannot be opened.
        """
        processes = self.processes or self.room()
        with connected(self.address, processes) as ray:
            actors = _Actors(ray, open_task, iter(parts), self.gpus)
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
    """The actors of a cluster, and what each is doing."""

    def __init__(
        self, ray: ModuleType, open_task: OpenTask[Part, Value], parts: Iterator[Part], gpus: float
    ) -> None:
        self._ray = ray
        # Unpacked in `open`, where an error is told.
        self._open_task = ray.put(ray.cloudpickle.dumps(open_task))
        self._parts = enumerate(parts)
        self._actor = ray.remote(num_cpus=1, num_gpus=gpus)(_Actor)
        # The actor of each awaited answer, and the number and part that it does.
        self._opening: dict[Any, Any] = {}
        self._working: dict[Any, tuple[_Process, tuple[int, Part]]] = {}
        self._idle: list[_Process] = []
        # Parts that nobody does: one that was just taken, and those whose process died.
        self._waiting: list[tuple[int, Part]] = []
        # The machines on which the process of a part died.
        self._deaths: defaultdict[int, list[str]] = defaultdict(list)
        self._in_a_row = 0

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
        """End all actors, whatever they do."""
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
                    'same release of afformer on each, with the same extras'
                ) from error
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            self._replace(error)
        else:
            self._idle.append(_Process(actor, machine))

    def _done(self, answer: Any) -> PartResult[Part, Value] | None:
        """Return the result of a part; None where its process died and it is done again."""
        process, (number, part) = self._working.pop(answer)
        try:
            result: PartResult[None, Value] = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            self._replace(error)
            self._deaths[number].append(process.machine)
            if deaths_on_living(self._deaths[number], self._ray.nodes()) < _MOST_DEATHS:
                self._waiting.append((number, part))
                return None
            died = f'its process died {_MOST_DEATHS} times, the last time: {told(error)}'
            return PartResult(part, error=RuntimeError(died))
        self._in_a_row = 0
        self._idle.append(process)
        return result.of(part)

    def _replace(self, error: Exception) -> None:
        self._in_a_row += 1
        working = len(self._working) + len(self._opening) + len(self._idle) + 1
        if self._in_a_row >= _MOST_DEATHS * working:
            raise DatasetError(
                f'{self._in_a_row} processes of the cluster died one after another, the last: '
                f'{told(error)}. Check that every machine has the memory, and the same '
                'release of afformer as this one. The same command goes on from here'
            ) from error
        self.start()

    def _more(self) -> bool:
        """Check whether there is a part that nobody does; it is taken from the parts then."""
        if not self._waiting:
            self._waiting.extend(islice(self._parts, 1))
        return bool(self._waiting)

    def _give(self) -> None:
        while self._idle and self._more():
            process, taken = self._idle.pop(), self._waiting.pop()
            self._working[process.actor.do.remote(taken[1])] = (process, taken)


def deaths_on_living(machines: Sequence[str], nodes: Sequence[Mapping[str, Any]]) -> int:
    """Count deaths of processes that did not die with their machine.

    Args:
        machines: identity of the machine of each process that died.
        nodes: what Ray tells of all machines, also of those that died.
    """
    alive = {node['NodeID'] for node in nodes if node['Alive']}
    return sum(machine in alive for machine in machines)


class _Actor:
    """A process of the cluster that does parts."""

    def __init__(self, open_task: bytes) -> None:
        self._open_task = open_task

    def open(self) -> str:
        """Open the task; returns the identity of the machine."""
        import cv2
        import ray

        cv2.setNumThreads(1)
        self._task = pickle.loads(self._open_task)()
        return str(ray.get_runtime_context().get_node_id())

    def do(self, part: Any) -> PartResult[None, Any]:
        """Do a part."""
        return do_part_for_another(self._task, part)
