# SPDX-License-Identifier: Apache-2.0
"""The newest depth images, found again by the stamp of a camera image."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
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

    def nearest(self, stamp: int, tolerance: int, patience: float = 0.0) -> Item | None:
        """The item nearest to a stamp, or None where none is near enough.

        Args:
            stamp: nanoseconds.
            tolerance: nanoseconds that it may be away, at least 0.
            patience: seconds to wait for it to arrive.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._find(stamp, tolerance) is not None, patience)
            return self._find(stamp, tolerance)

    def lag(self, stamp: int) -> float | None:
        """Seconds by which the newest item is older than a stamp; None where there is none."""
        with self._arrived:
            return (stamp - self._entries[-1].stamp) * 1e-9 if self._entries else None

    def _find(self, stamp: int, tolerance: int) -> Item | None:
        near = [entry for entry in self._entries if abs(entry.stamp - stamp) <= tolerance]
        if not near:
            return None
        return min(near, key=lambda entry: abs(entry.stamp - stamp)).item
