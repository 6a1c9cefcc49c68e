# SPDX-License-Identifier: Apache-2.0
"""Settings as fields of data classes, each declared once with its description and limits.

The parameters of the nodes, their reference page and the options of `afformer replay` follow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Constraint:
    """The properties of a setting besides its default.

    Attributes:
        description: one or two sentences for users.
        limits: minimum and maximum value.
        choices: allowed values; empty: any.
        change: state in which a node may change it: 'anytime', 'unconfigured', or 'never'.
    """

    description: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    change: str = 'anytime'

    def check(self, name: str, value: Any) -> None:
        """Check a value.

        Raises:
            ValueError: it is not among the choices or not within the limits.
        """
        if self.choices and value not in self.choices:
            raise ValueError(f'{name} is {value!r}; expected one of {", ".join(self.choices)}')
        if self.limits is None:
            return
        low, high = self.limits
        # NaN is also refused, because its comparisons are false.
        if not (low <= value <= high and math.isfinite(value)):
            raise ValueError(f'{name} is {value}; expected {low} to {high}')


def parameter(default: Any, description: str, **constraints: Any) -> Any:
    """Create a field for a setting; `constraints` are the arguments of `Constraint`."""
    constraint = Constraint(description, **constraints)
    return field(default=default, metadata={'constraint': constraint})


def constraints_of(kind: type[Any]) -> Mapping[str, Constraint]:
    """Return the constraint of each setting of a data class."""
    return {declared.name: declared.metadata['constraint'] for declared in fields(kind)}


def check_settings(settings: Any) -> None:
    """Check the value of each setting of a data class.

    Raises:
        ValueError: a value violates its constraint.
    """
    for name, constraint in constraints_of(type(settings)).items():
        constraint.check(name, getattr(settings, name))
