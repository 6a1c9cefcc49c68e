# SPDX-License-Identifier: Apache-2.0
"""Copies of objects in another form, kept for the most recently used ones."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Source = TypeVar('Source')
Copy = TypeVar('Copy')


class RecentCopies(Generic[Source, Copy]):
    """Copies of the most recently used objects, kept as long as the objects exist.

    Args:
        copy: function that makes the copy of an object.
        most: maximum number of copies; the least recently used ones are freed.
    """

    def __init__(self, copy: Callable[[Source], Copy], most: int) -> None:
        self._copy = copy
        self._most = most
        # By identity. An object may be freed in any thread: each step on the dictionary is atomic.
        self._copies: OrderedDict[int, tuple[weakref.ref[Source], Copy]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._copies)

    def of(self, source: Source) -> Copy:
        """Return the copy of an object, the same one as long as it is kept."""
        key = id(source)
        if key in self._copies:
            self._copies.move_to_end(key)
            return self._copies[key][1]
        # Evict before copying, so that both never coexist.
        while len(self._copies) >= self._most:
            self._copies.popitem(last=False)
        copy = self._copy(source)
        copies = self._copies
        self._copies[key] = weakref.ref(source, lambda _: copies.pop(key, None)), copy
        return copy
