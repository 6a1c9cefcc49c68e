# SPDX-License-Identifier: Apache-2.0
"""Conversion of plain JSON values to the types of fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

# A number in `Annotated` is the least value of a whole number, or the least length of a list; it
# is otherwise 0 or 1.
Point = tuple[float, float]
Outline = Annotated[tuple[Point, ...], 3]
Box = tuple[float, float, float, float]
Size = tuple[Annotated[int, 1], Annotated[int, 1]]


def parse(name: str, kind: Any, value: Any) -> Any:
    """Convert a plain JSON value.

    Args:
        name: name of the value, for errors; empty for a whole entry.
        kind: its type: str for text that is not blank, bool, int, float for a finite number, a
            tuple of any of them, a data class for an object, or one of these or None.
        value: the value.

    Raises:
        KeyError: a field of an object is missing.
        ValueError: the value is not of the type, or a field of an object is unknown.
    """
    arguments, least = get_args(kind), None
    if get_origin(kind) is Annotated:
        kind, least = arguments
        arguments = get_args(kind)
    if NoneType in arguments:
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else parse(name, inner, value)
    if is_dataclass(kind):
        return _parse_object(name, kind, value)
    if get_origin(kind) is tuple:
        return _parse_list(name, arguments, value, least or 1)
    is_right, expected = _PLAIN[kind]
    if not is_right(value) or (kind is int and value < (least or 0)):
        expected += f' of at least {least or 0}' if kind is int else ''
        raise ValueError(f'{name} is {_shown(value)}; expected {expected}')
    return kind(value)


def _parse_object(name: str, kind: Any, value: Any) -> Any:
    """Convert an object to a data class; a field that is null counts as missing."""
    if not isinstance(value, Mapping):
        raise ValueError(f'{name or "it"} is {_shown(value)}; expected an object')
    hints = _hints(kind)
    given = {field: content for field, content in value.items() if content is not None}
    if unknown := [field for field in given if field not in hints]:
        raise ValueError(
            f'{name or "it"} has an unknown field {unknown[0]!r}; expected only {", ".join(hints)}'
        )
    for field in fields(kind):
        if field.name not in given and field.default is MISSING:
            raise KeyError(field.name)
    ending = f' of {name}' if name else ''
    return kind(
        **{field: parse(field + ending, hints[field], item) for field, item in given.items()}
    )


def _parse_list(name: str, kinds: tuple[Any, ...], value: Any, least: int) -> tuple[Any, ...]:
    is_open = kinds[-1] is Ellipsis
    if not isinstance(value, list) or (
        len(value) < least if is_open else len(value) != len(kinds)
    ):
        length = f'at least {least}' if is_open else f'{len(kinds)} numbers'
        raise ValueError(f'{name} is {_shown(value)}; expected a list of {length}')
    each = kinds[:1] * len(value) if is_open else kinds
    return tuple(parse(name, kind, item) for kind, item in zip(each, value, strict=True))


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _is_number(value: Any) -> bool:
    # A bool is an int.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_PLAIN: Mapping[type, tuple[Callable[[Any], bool], str]] = {
    str: (lambda value: isinstance(value, str) and bool(value.strip()), 'text'),
    bool: (lambda value: isinstance(value, bool), 'true or false'),
    int: (lambda value: isinstance(value, int) and _is_number(value), 'a whole number'),
    float: (_is_number, 'a finite number'),
}


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f'{shown[:57]}...'
