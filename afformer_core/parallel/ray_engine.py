# SPDX-License-Identifier: Apache-2.0
"""Processes of a Ray cluster, whose machines may die and come back."""

from __future__ import annotations

import logging
import os
import pickle
import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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

# Deaths of its process after which a part is given up, and deaths in a row, for each process,
# after which everything is.
_MOST_DEATHS = 5
# Bytes of the store of a cluster that is started here; results are small.
_STORE = 200 * 1024**2
# Seconds that a cluster has to answer.
_PATIENCE = 10.0


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
        with _connected(self.address, None) as ray:
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
        with _connected(self.address, processes) as ray:
            actors = _Actors(ray, open_task, iter(parts), self.gpus)
            try:
                for _ in range(processes):
                    actors.start()
                yield from actors.results()
            finally:
                actors.end()


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
        self._working: dict[Any, tuple[Any, tuple[int, Part]]] = {}
        self._idle: list[Any] = []
        # Parts that nobody does: one that was just taken, and those whose process died.
        self._waiting: list[tuple[int, Part]] = []
        self._deaths: Counter[int] = Counter()
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
        working = [actor for actor, _ in self._working.values()]
        for actor in (*self._opening.values(), *working, *self._idle):
            self._ray.kill(actor)

    def _opened(self, answer: Any) -> None:
        actor = self._opening.pop(answer)
        try:
            self._ray.get(answer)
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
            self._idle.append(actor)

    def _done(self, answer: Any) -> PartResult[Part, Value] | None:
        """Return the result of a part; None where its process died and it is done again."""
        actor, (number, part) = self._working.pop(answer)
        try:
            result: PartResult[None, Value] = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            self._replace(error)
            self._deaths[number] += 1
            if self._deaths[number] < _MOST_DEATHS:
                self._waiting.append((number, part))
                return None
            died = f'its process died {_MOST_DEATHS} times, the last time: {_told(error)}'
            return PartResult(part, error=RuntimeError(died))
        self._in_a_row = 0
        self._idle.append(actor)
        return result.of(part)

    def _replace(self, error: Exception) -> None:
        self._in_a_row += 1
        working = len(self._working) + len(self._opening) + len(self._idle) + 1
        if self._in_a_row >= _MOST_DEATHS * working:
            raise DatasetError(
                f'{self._in_a_row} processes of the cluster died one after another, the last: '
                f'{_told(error)}. Check that every machine has the memory, and the same '
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
            actor, taken = self._idle.pop(), self._waiting.pop()
            self._working[actor.do.remote(taken[1])] = (actor, taken)


class _Actor:
    """A process of the cluster that does parts."""

    def __init__(self, open_task: bytes) -> None:
        self._open_task = open_task

    def open(self) -> None:
        """Open the task."""
        import cv2

        cv2.setNumThreads(1)
        self._task = pickle.loads(self._open_task)()

    def do(self, part: Any) -> PartResult[None, Any]:
        """Do a part."""
        return do_part_for_another(self._task, part)


@contextmanager
def _connected(address: str | None, processes: int | None) -> Iterator[ModuleType]:
    """Yield Ray, connected to a cluster, or to one that is started for as long as needed."""
    # Ray reports how it is used to its makers, unless it is told not to.
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        import ray
    except ImportError as error:
        raise AfformerError(
            "Ray is not installed. Run `pip install 'afformer[cluster]'`, or leave out "
            '--engine ray'
        ) from error
    if ray.is_initialized():
        yield ray
        return
    if address is not None and ':' in address:
        _require_reachable(address)
    started: dict[str, Any] = {'address': address}
    if address is None:
        started = {
            'address': 'local',
            'num_cpus': processes,
            'object_store_memory': _STORE,
            'include_dashboard': False,
        }
    try:
        ray.init(**started, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise AfformerError(
            f'the Ray cluster {address or "of this machine"} is not reached: '
            f'{_told(error)}. Start one with `ray start --head`, and give its address'
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_reachable(address: str) -> None:
    """Raise an error at once where nothing listens; Ray would try for two minutes."""
    host, _, port = address.rpartition('//')[2].rpartition(':')
    if not port.isdecimal():
        raise ValueError(f"--address is {address!r}; expected HOST:PORT or 'auto'")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        raise AfformerError(
            f'the Ray cluster {address} is not reached: {error}. Start one with `ray start '
            '--head`, and give its address'
        ) from error


def _told(error: Exception) -> str:
    """Return the line of an error of Ray that says most."""
    lines = str(error).strip().splitlines()
    last = lines[-1] if re.match(r'\w+(Error|Exception): ', lines[-1]) else lines[0]
    return last.rstrip('.')
