# SPDX-License-Identifier: Apache-2.0
"""Tuning of Python's and the C library's memory for nodes that run at camera rate."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# Of malloc.h.
_M_ARENA_MAX = -8
_HEAPS = 2


def keep_what_lives() -> None:
    """Leave all objects that live now out of later collections.

    A full collection visits every object and holds up every thread meanwhile; what the imports
    made, hundreds of thousands of objects that never die, would take most of that time.
    """
    # What lived at an earlier call may be garbage by now.
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def keep_few_heaps() -> None:
    """Let all threads share two heaps of the C library; call it before there are threads.

    GNU's gives each thread a heap of its own, up to eight for a core, and each keeps tens of
    megabytes of freed images for ever: services alone, of which each runs in one thread or
    another, would add hundreds of megabytes in time.
    """
    # Other C libraries than GNU's have no such function.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def release_what_is_left() -> None:
    """Collect what `keep_what_lives` kept and is garbage now, and give its memory back."""
    gc.unfreeze()
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
