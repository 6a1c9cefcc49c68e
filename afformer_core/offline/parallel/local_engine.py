# SPDX-License-Identifier: Apache-2.0
"""Processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection, get_context
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import cv2
from threadpoolctl import threadpool_limits

from afformer_core.errors import DatasetError
from afformer_core.offline.parallel.engine import (
    OpenTask,
    ParallelEngine,
    Part,
    PartResult,
    Task,
    Value,
    do_part,
    do_part_for_another,
)
from afformer_core.worker_process import set_process_number

# Number of processes that feed one GPU.
_PROCESSES_OF_A_GPU = 4


@dataclass(frozen=True)
class LocalEngine(ParallelEngine):
    """An `ParallelEngine` with processes of this machine; a single one is the caller's own."""

    def room(self, *, on_gpu: bool = False) -> int:
        """Return one process for each core that PyTorch would use, or four for each GPU."""
        import torch

        number = _PROCESSES_OF_A_GPU * torch.cuda.device_count() if on_gpu else 0
        return number or torch.get_num_threads()

    def map(
        self, open_task: OpenTask[Part, Value], parts: Iterable[Part]
    ) -> Iterator[PartResult[Part, Value]]:
        """Execute all parts; yield their results as they arrive (see `ParallelEngine.map`).

        Raises:
            DatasetError: a process was killed.
            Exception: the task cannot be opened.
        """
        processes = self.processes or self.room()
        if processes == 1:
            task = open_task()
            return (do_part(task, part) for part in parts)
        return _shared(open_task, iter(parts), processes)


ONE_PROCESS = LocalEngine()
"""The caller's own process."""

LOCAL = LocalEngine(None)
"""As many processes of this machine as fit."""


def _shared(
    open_task: OpenTask[Part, Value], parts: Iterator[Part], processes: int
) -> Iterator[PartResult[Part, Value]]:
    context = get_context('spawn')
    # Any end of this process or of the iteration closes the writing end.
    watched, alive = context.Pipe(duplex=False)
    started = context.Value('i', 0)
    # Threads of several processes would wait for each other.
    threads = max(1, (os.cpu_count() or 1) // processes)
    arguments = open_task, watched, started, threads
    pool = ProcessPoolExecutor(processes, context, _begin, arguments)
    running: dict[Future[PartResult[None, Value]], Part] = {}
    try:
        for part in islice(parts, processes):
            running[pool.submit(_do, part)] = part
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result().of(running.pop(future))
                for part in islice(parts, 1):
                    running[pool.submit(_do, part)] = part
    except BrokenProcessPool as error:
        raise DatasetError(
            'a process was killed, perhaps for lack of memory. Run the same command again with '
            'fewer processes to continue'
        ) from error
    finally:
        if running:
            alive.close()
        pool.shutdown(cancel_futures=True)
        alive.close()
        watched.close()


_open_task: OpenTask[Any, Any]
_task: Task[Any, Any] | None = None


def _begin(
    open_task: OpenTask[Any, Any],
    watched: connection.Connection,
    started: Synchronized[int],
    threads: int,
) -> None:
    global _open_task
    # Ctrl-C goes to the first process, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    cv2.setNumThreads(1)
    threadpool_limits(threads)
    # PyTorch is not loaded yet, and reads this when it is.
    os.environ['OMP_NUM_THREADS'] = str(threads)
    with started.get_lock():
        set_process_number(started.value)
        started.value += 1
    _open_task = open_task


def _end_with(watched: connection.Connection) -> None:
    with suppress(EOFError, OSError):
        watched.recv()
    os._exit(1)


def _do(part: Any) -> PartResult[None, Any]:
    global _task
    if _task is None:
        _task = _open_task()
    return do_part_for_another(_task, part)
