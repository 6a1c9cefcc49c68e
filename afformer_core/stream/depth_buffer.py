# SPDX-License-Identifier: Apache-2.0
"""A buffer of the newest depth images, searched by the stamp of a camera image."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

Item = TypeVar('Item')

# If all items are newer than a stamp by more nanoseconds than this, the clock was set back.
_SET_BACK = 10**9


@dataclass(frozen=True)
class _Entry(Generic[Item]):
    stamp: int
    item: Item

    def distance(self, stamp: int) -> int:
        return abs(self.stamp - stamp)


class Expectation(Generic[Item]):
    """A request to keep the item nearest to a stamp, even if many items follow.

    `DepthBuffer.expect` creates it, and `DepthBuffer.nearest` finds the item.

    Args:
        stamp: nanoseconds.

    Attributes:
        stamp: see the arguments.
        entry: the nearest item so far; the newest if several are equally near.
    """

    def __init__(self, stamp: int) -> None:
        self.stamp = stamp
        self.entry: _Entry[Item] | None = None

    def offer(self, entry: _Entry[Item]) -> None:
        """Keep an entry unless an earlier one is nearer."""
        if self.entry is None or entry.distance(self.stamp) <= self.entry.distance(self.stamp):
            self.entry = entry


class DepthBuffer(Generic[Item]):
    """A buffer of the newest items in order of arrival, and of expected items. Thread-safe.

    Several threads may use it.

    Args:
        capacity: maximum number of items besides expected ones; a new item replaces the oldest.
    """

    def __init__(self, capacity: int) -> None:
        self._entries: deque[_Entry[Item]] = deque(maxlen=capacity)
        self._expectations: weakref.WeakSet[Expectation[Item]] = weakref.WeakSet()
        self._arrived = threading.Condition()

    def add(self, stamp: int, item: Item) -> None:
        """Add an item; drop all others if the clock jumped back."""
        entry = _Entry(stamp, item)
        with self._arrived:
            if self._entries and stamp < self._entries[-1].stamp:
                self._drop_all()
            self._entries.append(entry)
            for expectation in self._expectations:
                expectation.offer(entry)
            self._arrived.notify_all()

    def expect(self, stamp: int) -> Expectation[Item]:
        """Keep the item nearest to a stamp as long as the returned object exists.

        Args:
            stamp: nanoseconds.
        """
        expectation: Expectation[Item] = Expectation(stamp)
        with self._arrived:
            for entry in self._entries:
                expectation.offer(entry)
            self._expectations.add(expectation)
        return expectation

    def clear(self) -> None:
        """Drop everything."""
        with self._arrived:
            self._drop_all()

    def wait(self, stamp: int, patience: float) -> bool:
        """Wait until the item nearest to a stamp has arrived; return whether it has.

        At the rate of the items so far, no later item would then be nearer.

        Args:
            stamp: nanoseconds.
            patience: maximum time to wait, in seconds; 0: do not wait.
        """
        with self._arrived:
            return self._arrived.wait_for(lambda: not self._nearer_may_come(stamp), patience)

    def nearest(self, stamp: int, tolerance: int) -> Item | None:
        """Find the item nearest to a stamp, the newest if several are; None if none is near.

        Args:
            stamp: nanoseconds.
            tolerance: maximum distance in nanoseconds, at least 0.
        """
        with self._arrived:
            entry = self._nearest(stamp)
        return entry.item if entry is not None and entry.distance(stamp) <= tolerance else None

    def lag(self, stamp: int) -> float | None:
        """Compute the lag of the nearest item behind a stamp, in seconds; None without items."""
        with self._arrived:
            entry = self._nearest(stamp)
        return None if entry is None else (stamp - entry.stamp) * 1e-9

    def _nearest(self, stamp: int) -> _Entry[Item] | None:
        expected = [
            expectation.entry for expectation in self._expectations if expectation.stamp == stamp
        ]
        kept = [entry for entry in expected if entry is not None] + list(self._entries)
        return min(reversed(kept), key=lambda entry: entry.distance(stamp), default=None)

    def _drop_all(self) -> None:
        self._entries.clear()
        for expectation in self._expectations:
            expectation.entry = None

    def _nearer_may_come(self, stamp: int) -> bool:
        nearest = self._nearest(stamp)
        if not self._entries or nearest is None or nearest.stamp - stamp > _SET_BACK:
            return True
        behind = stamp - self._entries[-1].stamp
        if behind <= 0:
            return False
        stamps = [entry.stamp for entry in self._entries]
        periods = [later - earlier for earlier, later in pairwise(stamps) if later > earlier]
        # The shortest interval, because items may be lost in transport.
        return not periods or abs(behind - min(periods)) < behind
