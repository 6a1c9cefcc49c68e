# SPDX-License-Identifier: Apache-2.0
"""Monitors of other processes, whose deaths end this one silently."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROCESSES = Path('/proc')
# Seconds between connections to a server, and failures in a row after which it is lost.
_INTERVAL, _FAILURES = 5.0, 3


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


@contextmanager
def loss_told(address: str, sentence: str) -> Iterator[None]:
    """Print a sentence on stderr once a server does not accept connections several times in a row.

    Args:
        address: HOST:PORT of the server.
        sentence: text to print.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_ask, args=(address, ended, sentence), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _ask(address: str, ended: threading.Event, sentence: str) -> None:
    host, _, port = address.rpartition(':')
    failures = 0
    while failures < _FAILURES:
        if ended.wait(_INTERVAL):
            return
        try:
            socket.create_connection((host.strip('[]'), int(port)), _INTERVAL).close()
        except OSError:
            failures += 1
        else:
            failures = 0
    print(f'afformer: error: {sentence}', file=sys.stderr, flush=True)


def process_with(argument: str) -> int | None:
    """Return the identity of the process whose command line contains a text, if there is one."""
    for folder in _PROCESSES.glob('[0-9]*'):
        # It may end meanwhile, or be another user's.
        with suppress(OSError):
            if argument in (folder / 'cmdline').read_text(errors='replace'):
                return int(folder.name)
    return None
