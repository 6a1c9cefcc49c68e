# SPDX-License-Identifier: Apache-2.0
"""Tasks of several kinds; other processes can import them."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import cv2
from threadpoolctl import threadpool_info

from afformer_core.worker_process import process_number


class TwoWordsError(Exception):
    """An error that cannot be rebuilt from its message, as pickle would."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f'{one} and {two}')


def open_root() -> Callable[[float], float]:
    return math.sqrt


def open_sleep() -> Callable[[float], None]:
    return time.sleep


def open_exit() -> Callable[[int], None]:
    return os._exit


def open_environment() -> Callable[[str], str]:
    return lambda name: os.environ.get(name, '')


def open_number() -> Callable[[float], int]:
    def number(seconds: float) -> int:
        time.sleep(seconds)
        return process_number()

    return number


def open_threads() -> Callable[[str], list[int]]:
    def count(library: str) -> list[int]:
        found = [one['num_threads'] for one in threadpool_info() if one['user_api'] == library]
        ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        return [*found, int(os.environ['OMP_NUM_THREADS']), cv2.getNumThreads(), ignored]

    return count


def open_strange_error() -> Callable[[str], None]:
    def fail(word: str) -> None:
        raise TwoWordsError(word, 'more')

    return fail


def open_nothing() -> Callable[[int], int]:
    raise FileNotFoundError('there is no detector')


class Opened:
    """A task that writes a file when it is opened, and the number of its process for each part."""

    def __init__(self, folder: Path) -> None:
        (folder / f'{os.getpid()}').touch()

    def __call__(self, part: int) -> int:
        return os.getpid()


class DiesOnce:
    """A task whose process dies at the first try of each part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, part: int) -> int:
        tried = self._folder / f'{part}'
        if not tried.exists():
            tried.touch()
            os._exit(1)
        return part * part
