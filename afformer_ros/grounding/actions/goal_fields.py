# SPDX-License-Identifier: Apache-2.0
"""Fields of goals, checked against the ranges of the corresponding parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from afformer_core.demonstrations.selection import join_names, split_names
from afformer_core.errors import AfformerError, DemonstrationError
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
