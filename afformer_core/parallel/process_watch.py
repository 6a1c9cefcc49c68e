# SPDX-License-Identifier: Apache-2.0
"""A monitor of another process, whose death ends this one silently."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROCESSES = Path('/proc')


@contextmanager
def death_told(process: int | None, sentence: str) -> Iterator[None]:
    """Print a sentence on stderr as soon as a process dies.

    Args:
        process: its identifier; None: none.
        sentence: text to print.
    """
    try:
        watched = None if process is None else os.pidfd_open(process)
    except OSError:
        # It has already died, or this system has no such files.
        watched = None
    if watched is None:
        yield
        return
    reading, writing = os.pipe()
    thread = threading.Thread(target=_watch, args=(watched, reading, sentence), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(writing)
        thread.join()
        os.close(reading)
        os.close(watched)


def _watch(watched: int, ended: int, sentence: str) -> None:
    ready, _, _ = select.select([watched, ended], [], [])
    if ended not in ready:
        print(f'afformer: error: {sentence}', file=sys.stderr, flush=True)


def process_with(argument: str) -> int | None:
    """Return the identity of the process whose command line contains a text, if there is one."""
    for folder in _PROCESSES.glob('[0-9]*'):
        # It may end meanwhile, or be another user's.
        with suppress(OSError):
            if argument in (folder / 'cmdline').read_text(errors='replace'):
                return int(folder.name)
    return None
