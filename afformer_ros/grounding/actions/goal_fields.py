# SPDX-License-Identifier: Apache-2.0
"""Fields of goals, checked against the ranges of parameters, and the time that goals take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from afformer_core.demonstrations.state import join_names, split_names
from afformer_core.errors import AfformerError, DemonstrationError
from afformer_core.messages.stamps import ANOTHER_CLOCK
from afformer_ros.parameter_fields import Constraint

_NANOSECONDS = 1_000_000_000


class RefusedGoalError(AfformerError):
    """Raised if a goal is refused; the text gives the reason to its client."""


@contextmanager
def refused_if_invalid(addition: str = '') -> Iterator[None]:
    """Refuse the goal whose field is found to be invalid.

    Args:
        addition: text after the reason.

    Raises:
        RefusedGoalError: the field is out of its range, or is no valid name.
    """
    try:
        yield
    except (ValueError, DemonstrationError) as error:
        raise RefusedGoalError(f'{error}{addition}') from error


def seconds_of(duration: Any, name: str, constraint: Constraint) -> float:
    """Convert a builtin_interfaces/Duration to seconds.

    Args:
        duration: the message.
        name: name of the field in the error.
        constraint: constraint of the corresponding parameter, in seconds.

    Returns:
        0, or a value within the range of the parameter.

    Raises:
        RefusedGoalError: it is out of the range, or its nanoseconds are a second or more.
    """
    if duration.nanosec >= _NANOSECONDS:
        raise RefusedGoalError(
            f'{name} has {duration.nanosec} nanoseconds; expected fewer than {_NANOSECONDS}'
        )
    seconds = float(duration.sec + duration.nanosec / _NANOSECONDS)
    if seconds:
        with refused_if_invalid(' seconds, or 0'):
            constraint.check(name, seconds)
    return seconds


def names_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the demonstrations to ground together; empty: the selection.

    Raises:
        RefusedGoalError: a name is empty or invalid, or occurs twice.
    """
    with refused_if_invalid():
        return split_names(join_names(names)) if names else ()


class GoalClock:
    """The clock of a goal: the clock of its node, or a steady one while that stands still.

    Simulated time stands still when its simulator or bag is paused or has ended, jumps back when a
    bag restarts, and is 0 until the first message arrives. None of these counts as elapsed time.

    Args:
        now: time of the node in nanoseconds.
        steady: function that returns the seconds of a steady clock.

    Attributes:
        passed, still: seconds of the node's clock since the start, and seconds for which it has
            stood still, at the last call of `elapsed`.
    """

    def __init__(self, now: Callable[[], int], steady: Callable[[], float]) -> None:
        self._now = now
        self._steady = steady
        self.restart()

    def restart(self) -> None:
        """Restart at 0."""
        self._last, self._moved = self._now(), self._steady()
        self.passed = self.still = 0.0

    def elapsed(self) -> float:
        """Return the seconds since the start; call it several times per second.

        These are the seconds of the node's clock, or the seconds for which it has stood still if
        these are more.
        """
        now, steady = self._now(), self._steady()
        if now != self._last:
            if self._last:
                self.passed += max(0, now - self._last) * 1e-9
            self._last, self._moved = now, steady
        self.still = steady - self._moved
        return max(self.passed, self.still)


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
