# SPDX-License-Identifier: Apache-2.0
"""Memory tuning of Python and the C library for nodes that run at camera rate."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# Constant of malloc.h.
_M_ARENA_MAX = -8
_HEAPS = 2


def keep_what_lives() -> None:
    """Exclude all objects that exist now from later garbage collections.

    A full collection visits every object and stops all threads meanwhile. Most of that time would
    be spent on the hundreds of thousands of permanent objects that imports create.
    """
    # Objects that were excluded by an earlier call may be garbage by now.
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def keep_few_heaps() -> None:
    """Limit the C library to two heaps for all threads; call it before threads start.

    By default, glibc creates up to eight heaps per core, one for each thread, and each keeps tens
    of megabytes of freed images. Services, which run in several threads, would add hundreds of
    megabytes over time.
    """
    # C libraries other than glibc have no such function.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def release_what_is_left() -> None:
    """Collect excluded objects (see `keep_what_lives`) that are now garbage; release memory."""
    gc.unfreeze()
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
