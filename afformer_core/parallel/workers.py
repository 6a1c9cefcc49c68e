# SPDX-License-Identifier: Apache-2.0
"""Long tasks shared by processes, with progress step by step."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnContext
from typing import Any, Generic, TypeVar

import cv2

from afformer_core.errors import DatasetError

Step = TypeVar('Step')
Work = Callable[[int], Iterable[Step]]
_number = 0


def let_waiting_threads_sleep() -> None:
    """Let PyTorch's threads sleep while they wait for one another.

    By default OpenMP's threads wait in a loop. If other processes compute on the same cores, that
    loop takes the time that the awaited thread needs: on busy cores the light hand detector takes
    five times as long, and five times as much of the cores. The setting applies to this process,
    if it has not imported PyTorch yet, and to those that it starts, unless the user's environment
    says otherwise.
    """
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def process_number() -> int:
    """Return the number of this process among those that share work; 0 is the caller's own."""
    return _number


def steps(work: Work[Step], numbers: Iterable[int], processes: int) -> Iterator[Step]:
    """Do the work of each number; yields the steps of the work as they are done.

    The first error ends all and is raised. If the iteration is abandoned, or the caller's process
    dies, the other processes end at once.

    Args:
        work: does the work of one number, step by step. Other processes must be able to import it,
            and its steps and errors must be picklable.
        numbers: numbers, taken one by one whenever a process is idle.
        processes: number of processes; with 1, the caller's own works.

    Raises:
        DatasetError: a process was killed.
        ValueError: there is no process.
    """
    if processes < 1:
        raise ValueError(f'processes is {processes}; expected at least 1')
    if processes == 1:
        for number in numbers:
            yield from work(number)
        return
    context, rest = get_context('spawn'), iter(numbers)
    workers: list[_Worker[Step]] = []
    try:
        for number in islice(rest, processes):
            workers.append(_Worker(context, work, len(workers)))
            workers[-1].begin(number)
        yield from _shared(workers, rest)
    finally:
        for worker in workers:
            worker.end()


def _shared(workers: Iterable[_Worker[Step]], rest: Iterator[int]) -> Iterator[Step]:
    busy = {worker.pipe: worker for worker in workers}
    while busy:
        for ready in connection.wait(list(busy)):
            worker = next(each for pipe, each in busy.items() if pipe is ready)
            done, step = worker.receive()
            if not done:
                yield step
            elif (number := next(rest, None)) is not None:
                worker.begin(number)
            else:
                del busy[worker.pipe]


class _Worker(Generic[Step]):
    """Process that does the work of one number after another."""

    def __init__(self, context: SpawnContext, work: Work[Step], number: int) -> None:
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, number), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, number: int) -> None:
        # a dead process is reported when its answer is read
        with suppress(BrokenPipeError):
            self.pipe.send(number)

    def receive(self) -> tuple[bool, Any]:
        """Return whether the work of its number is done, and else the next step."""
        try:
            done, step, error = self.pipe.recv()
        except (EOFError, ConnectionResetError) as killed:
            raise DatasetError(
                'a process was killed, perhaps for lack of memory. Run the same command again '
                'with fewer processes; it goes on from there'
            ) from killed
        if error is not None:
            raise error[0] from RuntimeError(f'in another process:\n{error[1]}')
        return done, step

    def end(self) -> None:
        self._process.terminate()
        self._process.join()
        self.pipe.close()


def _serve(pipe: connection.Connection, work: Work[Any], number: int) -> None:
    global _number
    _number = number
    # Ctrl-C goes to the first process, which ends this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    try:
        while True:
            for step in work(pipe.recv()):
                pipe.send((False, step, None))
            pipe.send((True, None, None))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001
        pipe.send((True, None, (error, traceback.format_exc())))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
