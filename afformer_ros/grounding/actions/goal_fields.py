# SPDX-License-Identifier: Apache-2.0
"""Fields of goals, checked against the ranges of the corresponding parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from afformer_core.demonstrations.selection import join_names, split_names, validated_name
from afformer_core.errors import AfformerError, DemonstrationError
from afformer_ros.parameter_fields import Constraint

_FRAME = re.compile(r'[^/\s]\S*')
_NANOSECONDS = 1_000_000_000


class RefusedGoalError(AfformerError):
    """Raised if a goal is refused; the text gives the reason to its client."""


def number_of(value: int, name: str, constraint: Constraint) -> int:
    """Return a number that is within the range of a parameter.

    Args:
        value: the number.
        name: name of the field in the error.
        constraint: constraint of the parameter.

    Raises:
        RefusedGoalError: it is out of the range.
    """
    try:
        constraint.check(name, value)
    except ValueError as error:
        raise RefusedGoalError(str(error)) from error
    return value


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
        try:
            constraint.check(name, seconds)
        except ValueError as error:
            raise RefusedGoalError(f'{error} seconds, or 0') from error
    return seconds


def frame_of(frame: str, name: str) -> str:
    """Return the name of a frame of tf2, or ''.

    Args:
        frame: the name.
        name: name of the field in the error.

    Raises:
        RefusedGoalError: it begins with a slash, or contains a space.
    """
    if frame and _FRAME.fullmatch(frame) is None:
        raise RefusedGoalError(
            f'{name} is {frame!r}; expected the name of a frame, without a leading slash and '
            'without spaces'
        )
    return frame


def name_of(name: str) -> str:
    """Return the name of one demonstration.

    Raises:
        RefusedGoalError: it is not a valid name.
    """
    try:
        return validated_name(name)
    except DemonstrationError as error:
        raise RefusedGoalError(str(error)) from error


def names_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the demonstrations to ground together; empty: the selection.

    Raises:
        RefusedGoalError: a name is empty or invalid, or occurs twice.
    """
    try:
        return split_names(join_names(names)) if names else ()
    except DemonstrationError as error:
        raise RefusedGoalError(str(error)) from error
