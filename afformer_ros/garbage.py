# SPDX-License-Identifier: Apache-2.0
"""Keeps Python's garbage collector from stopping a node that runs at camera rate."""

from __future__ import annotations

import gc


def keep_what_lives() -> None:
    """Leave all objects that live now out of later collections.

    A full collection visits every object and holds up every thread meanwhile; what the imports
    made, hundreds of thousands of objects that never die, would take most of that time.
    """
    gc.collect()
    gc.freeze()
