# SPDX-License-Identifier: Apache-2.0
"""Waits by the real or simulated clock of a node, which also end if it stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from builtin_interfaces.msg import Duration
from rclpy.clock import Clock

from afformer_ros.grounding.actions.goal_fields import GoalClock

_POLL = 0.01


class TimeLimit:
    """A time limit that starts now, by the clock of a node.

    The limit expires when the seconds have passed on both that clock and the wall clock. A wait
    therefore does not end early in a slow simulation, and messages have time to arrive in a fast
    one. If the clock stands still, the limit expires after a limit of wall time.

    Args:
        now: time of the node in nanoseconds.
        seconds: seconds until the limit expires.
        standstill: wall time for which the clock may stand still, seconds.
    """

    def __init__(self, now: Callable[[], int], seconds: float, standstill: float) -> None:
        self._clock = GoalClock(now, time.monotonic)
        self._seconds = seconds
        self._standstill = standstill
        self._begin = time.monotonic()

    def reason(self) -> str:
        """Explain why the limit expired; empty before. Call it several times per second."""
        self._clock.elapsed()
        if self._clock.still >= self._standstill:
            return (
                f'the clock of the planner has stood still for {self._standstill:g} s. Is the '
                'simulation paused, and is /clock published?'
            )
        if min(self._clock.passed, time.monotonic() - self._begin) >= self._seconds:
            return f'{self._seconds:g} s have passed'
        return ''


class Waiting:
    """The waits of a planner.

    Args:
        clock: clock of its node.
        finished: event that ends every wait.
        standstill: wall time for which the clock may stand still, seconds.
    """

    def __init__(self, clock: Clock, finished: threading.Event, standstill: float) -> None:
        self._clock = clock
        self._finished = finished
        self._standstill = standstill
        self._interruption = ''

    @property
    def stopped(self) -> bool:
        """Whether what waits must end."""
        return bool(self.why_stopped)

    @property
    def why_stopped(self) -> str:
        """Reason why what waits must end; empty if it may continue."""
        if self._finished.is_set():
            return 'the planner was stopped'
        return self._interruption

    def interrupt(self, reason: str) -> None:
        """End every wait with a reason until `resume` is called."""
        self._interruption = reason

    def resume(self) -> None:
        """Allow waits again after an interruption."""
        self._interruption = ''

    def now(self) -> int:
        """Return the time of the node in nanoseconds."""
        return int(self._clock.now().nanoseconds)

    def limit(self, seconds: float) -> TimeLimit:
        """Start a time limit."""
        return TimeLimit(self.now, seconds, self._standstill)

    def pause(self) -> None:
        """Let other threads run before a condition is checked again."""
        time.sleep(_POLL)

    def until(self, condition: Callable[[], object], seconds: float) -> str:
        """Wait for a condition; return '' when it holds, or the reason why the wait ended."""
        limit = self.limit(seconds)
        while not condition():
            if stop := self.why_stopped:
                return stop
            if reason := limit.reason():
                return reason
            self.pause()
        return ''


def duration_message(seconds: float) -> Duration:
    """Convert seconds, at least 0, to a message, to the nearest nanosecond."""
    nanoseconds = round(seconds * 1e9)
    return Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
