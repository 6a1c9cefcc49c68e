# SPDX-License-Identifier: Apache-2.0
"""The time that a goal has taken."""

from __future__ import annotations

from collections.abc import Callable


class GoalClock:
    """Clock of a goal, by the clock of its node, and by a steady one where that stands still.

    Simulated time stands still when its simulator or bag is paused or has ended, goes back when
    a bag begins anew, and is 0 until the first message arrives; none of these counts.

    Args:
        now: time of the node in nanoseconds.
        steady: seconds that never stand still.
    """

    def __init__(self, now: Callable[[], int], steady: Callable[[], float]) -> None:
        self._now = now
        self._steady = steady
        self.restart()

    def restart(self) -> None:
        """Begin at 0."""
        self._last, self._moved = self._now(), self._steady()
        self._passed = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the begin, to be asked for several times a second.

        They are those of the node's clock, or those for which it has stood still if they are more.
        """
        now, steady = self._now(), self._steady()
        if now != self._last:
            if self._last:
                self._passed += max(0, now - self._last) * 1e-9
            self._last, self._moved = now, steady
        return max(self._passed, steady - self._moved)
