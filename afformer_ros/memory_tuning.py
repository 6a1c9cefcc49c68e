# SPDX-License-Identifier: Apache-2.0
"""Tuning of Python's and the C library's memory for nodes that run at camera rate."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# From malloc.h.
_M_ARENA_MAX = -8
_HEAPS = 2


def keep_what_lives() -> None:
    """Exclude all objects that exist now from later garbage collections.

    A full collection visits every object and stops every thread meanwhile; the hundreds of
    thousands of objects that imports made, and that never die, would take most of that time.
    """
    # Objects that were excluded by an earlier call may be garbage by now.
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def keep_few_heaps() -> None:
    """Let all threads share two heaps of the C library; call it before there are threads.

    glibc gives each thread a heap of its own, up to eight for each core, and each keeps tens of
    megabytes of freed images forever: services, each of which runs in one of several threads,
    would add hundreds of megabytes over time.
    """
    # Other C libraries than glibc have no such function.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def release_what_is_left() -> None:
    """Collect what `keep_what_lives` excluded and is garbage now, and release its memory."""
    gc.unfreeze()
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
