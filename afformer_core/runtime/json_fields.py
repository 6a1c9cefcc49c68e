# SPDX-License-Identifier: Apache-2.0
"""Validation of JSON fields for data classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {'float': (float, int), 'int': (int,), 'str': (str,)}
_WORDS = {'float': 'a number', 'int': 'a whole number', 'str': 'text'}


def checked_fields(kind: type, content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Check that an object has the fields of a data class with the right types, and return it.

    Fields with a default may be missing.

    Args:
        kind: the data class; its annotations are strings, and its fields floats, ints or texts.
        content: the object that was read.
        name: name used in errors, such as 'calibration'.

    Raises:
        TypeError: a value has another type.
        ValueError: a name is missing or unknown.
    """
    types = {field.name: str(field.type) for field in fields(kind)}
    required = {field.name for field in fields(kind) if field.default is MISSING}
    if not required <= content.keys() <= types.keys():
        raise ValueError(f'the {name} has the fields {sorted(content)}; expected {sorted(types)}')
    for field, value in content.items():
        expected = types[field]
        if isinstance(value, bool) or not isinstance(value, _TYPES[expected]):
            raise TypeError(f'{field} of the {name} is {value!r}; expected {_WORDS[expected]}')
    return dict(content)
