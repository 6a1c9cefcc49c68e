# SPDX-License-Identifier: Apache-2.0
"""Checks of JSON fields for data classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {'float': (float, int), 'int': (int,), 'str': (str,)}
_WORDS = {'float': 'a number', 'int': 'a whole number', 'str': 'a text'}


def checked_fields(kind: type, content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The content, which has all fields of a data class and none other, each of its type.

    Args:
        kind: the data class; its fields are annotated as strings and are floats, ints or texts.
        content: what was read.
        name: what the errors call it, such as 'calibration'.

    Raises:
        TypeError: a value has another type.
        ValueError: a name is missing or unknown.
    """
    types = {field.name: str(field.type) for field in fields(kind)}
    if content.keys() != types.keys():
        raise ValueError(f'the {name} has {sorted(content)}; {sorted(types)} are wanted')
    for field, wanted in types.items():
        value = content[field]
        if isinstance(value, bool) or not isinstance(value, _TYPES[wanted]):
            raise TypeError(f'{field} of the {name} is {value!r}; {_WORDS[wanted]} is wanted')
    return dict(content)
