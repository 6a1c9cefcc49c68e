# SPDX-License-Identifier: Apache-2.0
"""Keeps Python's garbage collector from stopping a node that runs at camera rate."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def keep_what_lives() -> None:
    """Leave all objects that live now out of later collections.

    A full collection visits every object and holds up every thread meanwhile; what the imports
    made, hundreds of thousands of objects that never die, would take most of that time.
    """
    # What lived at an earlier call may be garbage by now.
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def release_what_is_left() -> None:
    """Collect what `keep_what_lives` kept and is garbage now, and give its memory back.

    The C library keeps freed memory apart for each group of threads; without this a node that is
    configured again and again, by one thread or the other, takes several times what it needs.
    """
    gc.unfreeze()
    gc.collect()
    # Other C libraries than GNU's have no such function.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
