# SPDX-License-Identifier: Apache-2.0
"""The processes that share a task: their number, their threads, and their end."""

from __future__ import annotations

import os

_number = 0


def let_waiting_threads_sleep() -> None:
    """Let PyTorch's threads sleep while they wait for each other.

    By default, OpenMP's threads wait in a busy loop. If other processes compute on the same cores,
    the loop uses time that the awaited thread needs: on busy cores, the light hand detector takes
    five times as long and uses five times as much processor time. The setting applies to this
    process, if it has not yet imported PyTorch, and to those that it starts, unless the user's
    environment overrides it.
    """
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def process_number() -> int:
    """Return the index of this process among those of its machine; 0: the caller's own process."""
    return _number


def set_process_number(number: int) -> None:
    """Set the number of this process among those of its machine, from 0."""
    global _number
    _number = number
