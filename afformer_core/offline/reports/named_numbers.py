# SPDX-License-Identifier: Apache-2.0
"""Numbers by name, as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def to_json(numbers: Any) -> Any:
    """Convert numbers to JSON types; a data class becomes an object of its attributes.

    Args:
        numbers: a data class, a mapping by text, a number, text or None, nested to any depth.

    Returns: the same as objects, numbers, strings and null; infinity and NaN, which JSON lacks,
    are strings.

    Raises:
        TypeError: a value has another type.
    """
    if is_dataclass(numbers):
        return {field.name: to_json(getattr(numbers, field.name)) for field in fields(numbers)}
    if isinstance(numbers, Mapping):
        return {name: to_json(value) for name, value in numbers.items()}
    if isinstance(numbers, float) and not math.isfinite(numbers):
        return str(numbers)
    if numbers is None or isinstance(numbers, bool | int | float | str):
        return numbers
    raise TypeError(f'{numbers!r} is of {type(numbers).__name__}; expected named numbers')
