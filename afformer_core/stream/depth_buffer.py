# SPDX-License-Identifier: Apache-2.0
"""The newest depth images, found again by the stamp of a camera image."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

Item = TypeVar('Item')

# Nanoseconds by which all items are newer than a stamp where the clock was set back before it.
_SET_BACK = 10**9


@dataclass(frozen=True)
class _Entry(Generic[Item]):
    stamp: int
    item: Item

    def distance(self, stamp: int) -> int:
        return abs(self.stamp - stamp)


class Expectation(Generic[Item]):
    """Expectation of the item nearest to a stamp, kept however many come later.

    It is made by `DepthBuffer.expect`, and what it keeps is found by `DepthBuffer.nearest`.

    Args:
        stamp: nanoseconds.

    Attributes:
        stamp: as above.
        entry: the nearest so far; of equal ones the newest.
    """

    def __init__(self, stamp: int) -> None:
        self.stamp = stamp
        self.entry: _Entry[Item] | None = None

    def offer(self, entry: _Entry[Item]) -> None:
        """Keep an entry if none before is nearer."""
        if self.entry is None or entry.distance(self.stamp) <= self.entry.distance(self.stamp):
            self.entry = entry


class DepthBuffer(Generic[Item]):
    """Buffer of the newest items in order of arrival, and of those that are expected.

    For use by several threads.

    Args:
        capacity: items kept at most besides those expected; the oldest is dropped for a new one.
    """

    def __init__(self, capacity: int) -> None:
        self._entries: deque[_Entry[Item]] = deque(maxlen=capacity)
        self._expectations: weakref.WeakSet[Expectation[Item]] = weakref.WeakSet()
        self._arrived = threading.Condition()

    def add(self, stamp: int, item: Item) -> None:
        """Keep an item; a stamp before the newest one (a clock that jumped back) drops all."""
        entry = _Entry(stamp, item)
        with self._arrived:
            if self._entries and stamp < self._entries[-1].stamp:
                self._drop_all()
            self._entries.append(entry)
            for expectation in self._expectations:
                expectation.offer(entry)
            self._arrived.notify_all()

    def expect(self, stamp: int) -> Expectation[Item]:
        """Keep the item nearest to a stamp as long as what is returned lives.

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
        """Wait until the item nearest to a stamp has arrived; whether it has.

        At the rate at which items came so far, none that is still to come is nearer then.

        Args:
            stamp: nanoseconds.
            patience: seconds to wait at most; 0: only look.
        """
        with self._arrived:
            return self._arrived.wait_for(lambda: not self._nearer_may_come(stamp), patience)

    def nearest(self, stamp: int, tolerance: int) -> Item | None:
        """Find the item nearest to a stamp, of equal ones the newest; None if none is near.

        Args:
            stamp: nanoseconds.
            tolerance: nanoseconds that it may be away, at least 0.
        """
        with self._arrived:
            entry = self._nearest(stamp)
        return entry.item if entry is not None and entry.distance(stamp) <= tolerance else None

    def lag(self, stamp: int) -> float | None:
        """Compute how many seconds older than a stamp the nearest item is; None without one."""
        with self._arrived:
            entry = self._nearest(stamp)
        return None if entry is None else (stamp - entry.stamp) * 1e-9

    def _nearest(self, stamp: int) -> _Entry[Item] | None:
        expected = [one.entry for one in self._expectations if one.stamp == stamp]
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
        # The shortest, since items may be lost on the way.
        return not periods or abs(behind - min(periods)) < behind
