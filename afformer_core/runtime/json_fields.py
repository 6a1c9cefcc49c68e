# SPDX-License-Identifier: Apache-2.0
"""Data classes that are objects in `model.json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self

_TYPES: dict[str, tuple[type, ...]] = {'float': (float, int), 'int': (int,), 'str': (str,)}
_WORDS = {'float': 'a number', 'int': 'a whole number', 'str': 'text'}

Ranges = Mapping[str, tuple[float, float]]
"""Lowest and highest value of each number."""
ANY = -math.inf, math.inf
"""The range of all finite numbers."""


@dataclass(frozen=True)
class JsonFields:
    """A data class whose fields are floats, ints or texts; its annotations are strings.

    Raises:
        ValueError: a value is out of its range.
    """

    _NAME: ClassVar[str]
    """Name used in errors, such as 'calibration'."""
    _RANGES: ClassVar[Ranges]

    def __post_init__(self) -> None:
        for name, (low, high) in self._RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(
                    f'{name} of the {self._NAME} is {value}; expected a finite number from {low} '
                    f'to {high}'
                )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON types, without those that have their default."""
        values = {field: getattr(self, field.name) for field in fields(self)}
        return {field.name: value for field, value in values.items() if value != field.default}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Build an object from the result of `to_json`.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a name is missing or unknown, or a value out of range.
        """
        types = {field.name: str(field.type) for field in fields(cls)}
        required = {field.name for field in fields(cls) if field.default is MISSING}
        if not required <= content.keys() <= types.keys():
            raise ValueError(
                f'the {cls._NAME} has the fields {sorted(content)}; expected {sorted(types)}'
            )
        for name, value in content.items():
            expected = types[name]
            if isinstance(value, bool) or not isinstance(value, _TYPES[expected]):
                raise TypeError(
                    f'{name} of the {cls._NAME} is {value!r}; expected {_WORDS[expected]}'
                )
        return cls(**content)
