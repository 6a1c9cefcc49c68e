# SPDX-License-Identifier: Apache-2.0
"""The elapsed time of a goal."""

from __future__ import annotations

from collections.abc import Callable


class GoalClock:
    """The clock of a goal: the clock of its node, or a steady one while that stands still.

    Simulated time stands still when its simulator or bag is paused or has ended, jumps back when a
    bag restarts, and is 0 until the first message arrives. None of these counts as elapsed time.

    Args:
        now: time of the node in nanoseconds.
        steady: function that returns the seconds of a steady clock.
    """

    def __init__(self, now: Callable[[], int], steady: Callable[[], float]) -> None:
        self._now = now
        self._steady = steady
        self.restart()

    def restart(self) -> None:
        """Restart at 0."""
        self._last, self._moved = self._now(), self._steady()
        self._passed = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the start; call it several times per second.

        These are the seconds of the node's clock, or the seconds for which it has stood still if
        these are more.
        """
        now, steady = self._now(), self._steady()
        if now != self._last:
            if self._last:
                self._passed += max(0, now - self._last) * 1e-9
            self._last, self._moved = now, steady
        return max(self._passed, steady - self._moved)
