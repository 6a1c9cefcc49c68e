# SPDX-License-Identifier: Apache-2.0
"""Strict parsing of JSON values: names, numbers, points and outlines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Point = tuple[float, float]
Outline = tuple[Point, ...]
Box = tuple[float, float, float, float]


def text(name: str, value: Any) -> str:
    """Check text that is not blank.

    Raises:
        ValueError: the value is invalid.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'{name} is {_shown(value)}; expected text')
    return value


def flag(name: str, value: Any) -> bool:
    """Check a truth value.

    Raises:
        ValueError: the value is invalid.
    """
    if not isinstance(value, bool):
        raise ValueError(f'{name} is {_shown(value)}; expected true or false')
    return value


def whole(name: str, value: Any, least: int) -> int:
    """Check a whole number of at least `least`.

    Raises:
        ValueError: the value is invalid.
    """
    # A bool is an int.
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f'{name} is {_shown(value)}; expected a whole number of at least {least}')
    return value


def wholes(name: str, value: Any, count: int, least: int) -> tuple[int, ...]:
    """Check a list of `count` whole numbers of at least `least`.

    Raises:
        ValueError: the value is invalid.
    """
    return tuple(whole(name, number, least) for number in _listed(name, value, count))


def numbers(name: str, value: Any, count: int) -> tuple[float, ...]:
    """Check a list of `count` finite numbers.

    Raises:
        ValueError: the value is invalid.
    """
    listed = _listed(name, value, count)
    for number in listed:
        if (
            not isinstance(number, int | float)
            or isinstance(number, bool)
            or not math.isfinite(number)
        ):
            raise ValueError(f'{name} has {_shown(number)}; expected finite numbers')
    return tuple(float(number) for number in listed)


def point(name: str, value: Any) -> Point:
    """Check a point [x, y].

    Raises:
        ValueError: the value is invalid.
    """
    x, y = numbers(name, value, 2)
    return x, y


def points(name: str, value: Any) -> Outline:
    """Check a list of at least one point.

    Raises:
        ValueError: the value is invalid.
    """
    return tuple(point(name, entry) for entry in items(name, value))


def outlines(name: str, value: Any) -> tuple[Outline, ...]:
    """Check a list of at least one outline, each of at least three corners [x, y].

    Raises:
        ValueError: the value is invalid.
    """
    found = tuple(points(name, entry) for entry in items(name, value))
    for outline in found:
        if len(outline) < 3:
            raise ValueError(
                f'{name} has an outline of {len(outline)} corners; expected at least 3'
            )
    return found


def boxes(name: str, value: Any) -> tuple[Box, ...]:
    """Check a list of at least one box [left, top, right, bottom].

    Raises:
        ValueError: the value is invalid.
    """
    found = []
    for entry in items(name, value):
        left, top, right, bottom = numbers(name, entry, 4)
        found.append((left, top, right, bottom))
    return tuple(found)


def items(name: str, value: Any) -> Sequence[Any]:
    """Check a list that is not empty.

    Raises:
        ValueError: the value is invalid.
    """
    if not isinstance(value, list) or not value:
        raise ValueError(f'{name} is {_shown(value)}; expected a list of at least one')
    return value


def _listed(name: str, value: Any, count: int) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f'{name} is {_shown(value)}; expected a list of {count} numbers')
    return value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f'{shown[:57]}...'
