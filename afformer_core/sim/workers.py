# SPDX-License-Identifier: Apache-2.0
"""Doing the same to many numbers, by one process or several."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process

import cv2

from afformer_core.errors import DatasetError

_AHEAD = 2


def each(work: Callable[[int], None], numbers: Sequence[int], processes: int) -> Iterator[None]:
    """Call `work` with each number; yields after each call that has ended.

    The first error ends all and is raised. Where the caller's process dies, the others end, too.

    Args:
        work: spawned processes must be able to import it; of what it raises, only errors that
            can be pickled.
        numbers: in any order of the calls where there are several processes.
        processes: how many; one is the caller's own.

    Raises:
        DatasetError: a process was killed.
    """
    if processes == 1 or len(numbers) < 2:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            for number in numbers:
                work(number)
                yield
        finally:
            cv2.setNumThreads(threads)
        return
    pool = ProcessPoolExecutor(min(processes, len(numbers)), get_context('spawn'), _prepare)
    try:
        yield from _spread(pool, work, numbers, _AHEAD * processes)
    except BrokenProcessPool as error:
        raise DatasetError(
            'a process that made samples was killed, perhaps for want of memory; run the same '
            'command again, which adds what is missing, with fewer processes'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _spread(
    pool: ProcessPoolExecutor, work: Callable[[int], None], numbers: Sequence[int], ahead: int
) -> Iterator[None]:
    running: set[Future[None]] = set()
    rest = iter(numbers)
    while True:
        running |= {pool.submit(work, number) for number in islice(rest, ahead - len(running))}
        if not running:
            return
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            future.result()
            yield


def _prepare() -> None:
    """Of a spawned process: leave Ctrl-C to the first one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
