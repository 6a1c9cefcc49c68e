# SPDX-License-Identifier: Apache-2.0
"""The newest depth images, found again by the stamp of a camera image."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

Item = TypeVar('Item')


@dataclass(frozen=True)
class _Entry(Generic[Item]):
    stamp: int
    item: Item


class DepthBuffer(Generic[Item]):
    """Keeps the newest items in order of arrival; for use by several threads.

    Args:
        capacity: items kept at most; the oldest is dropped for a new one.
    """

    def __init__(self, capacity: int) -> None:
        self._entries: deque[_Entry[Item]] = deque(maxlen=capacity)
        self._arrived = threading.Condition()

    def add(self, stamp: int, item: Item) -> None:
        """Keep an item; a stamp before the newest one (a clock that jumped back) drops all."""
        with self._arrived:
            if self._entries and stamp < self._entries[-1].stamp:
                self._entries.clear()
            self._entries.append(_Entry(stamp, item))
            self._arrived.notify_all()

    def clear(self) -> None:
        """Drop everything."""
        with self._arrived:
            self._entries.clear()

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
        """The item nearest to a stamp, of equal ones the newest; None where none is near enough.

        Args:
            stamp: nanoseconds.
            tolerance: nanoseconds that it may be away, at least 0.
        """
        with self._arrived:
            near = [entry for entry in self._entries if abs(entry.stamp - stamp) <= tolerance]
            if not near:
                return None
            return min(reversed(near), key=lambda entry: abs(entry.stamp - stamp)).item

    def lag(self, stamp: int) -> float | None:
        """Seconds by which the newest item is older than a stamp; None where there is none."""
        with self._arrived:
            return (stamp - self._entries[-1].stamp) * 1e-9 if self._entries else None

    def _nearer_may_come(self, stamp: int) -> bool:
        if not self._entries:
            return True
        behind = stamp - self._entries[-1].stamp
        if behind <= 0:
            return False
        stamps = [entry.stamp for entry in self._entries]
        periods = [later - earlier for earlier, later in pairwise(stamps) if later > earlier]
        # The shortest, since items may be lost on the way.
        return not periods or abs(behind - min(periods)) < behind
