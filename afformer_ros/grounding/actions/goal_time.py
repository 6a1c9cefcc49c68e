# SPDX-License-Identifier: Apache-2.0
"""The elapsed time of a goal, and the age of its images by the clock of the node."""

from __future__ import annotations

from collections.abc import Callable

from afformer_core.messages.stamps import ANOTHER_CLOCK


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


def age_problem(stamp: int, now: int, maximum_age: float) -> str:
    """Explain why an image is too old to count; empty if it counts.

    A stamp may be ahead of the clock, because of different clocks of two machines or the period of
    simulated time, by no more than the maximum age.

    Args:
        stamp: stamp of the image, nanoseconds; 0: it has none.
        now: time of the node, nanoseconds; 0: simulated time has not started.
        maximum_age: seconds; 0: any age.
    """
    if not maximum_age:
        return ''
    expected = f'expected at most {maximum_age:g} s'
    if not now:
        return f'no message has arrived on /clock, so its age is not known; {expected}'
    if not stamp:
        return f'it has no stamp, so its age is not known; {expected}'
    age = (now - stamp) * 1e-9
    if abs(age) <= maximum_age:
        return ''
    if abs(age) > ANOTHER_CLOCK:
        return (
            f'its stamp is {abs(age):.0f} s {"behind" if age > 0 else "ahead of"} the clock of '
            f'the node; {expected}. Set use_sim_time if a bag or a simulator provides the time, '
            'or maximum_image_age to 0'
        )
    if age < 0:
        return (
            f'its stamp is {-age:.2f} s ahead of the clock of the node; {expected}. Synchronize '
            'the clocks'
        )
    return f'it was {age:.2f} s old; {expected}'
