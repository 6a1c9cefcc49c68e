# SPDX-License-Identifier: Apache-2.0
"""Parameters of a node as the fields of a data class: declared, read and checked in one way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

Parameters = TypeVar('Parameters')


@dataclass(frozen=True)
class Constraint:
    """What is known of a parameter besides its default.

    Attributes:
        description: one sentence or two for a person.
        limits: smallest and largest value.
        choices: the only values, where there are any.
        change: when it may be changed: 'anytime', 'unconfigured', or 'never'.
    """

    description: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    change: str = 'anytime'

    def check(self, name: str, value: Any) -> None:
        """Refuse a value.

        Raises:
            ValueError: it is not among the choices or within the limits.
        """
        if self.choices and value not in self.choices:
            raise ValueError(f'{name} is {value!r}; it must be one of {", ".join(self.choices)}')
        if self.limits is None:
            return
        low, high = self.limits
        # NaN compares false with everything, and is refused by that.
        if not (low <= value <= high and math.isfinite(value)):
            raise ValueError(f'{name} is {value}; it must be from {low} to {high}')

    def descriptor(self) -> ParameterDescriptor:
        """The same for ROS."""
        descriptor = ParameterDescriptor(
            description=self.description, read_only=self.change == 'never'
        )
        texts = []
        if self.choices:
            texts.append(f'one of {", ".join(self.choices)}')
        if self.change == 'unconfigured':
            texts.append('changes only while the node is unconfigured')
        descriptor.additional_constraints = '; '.join(texts)
        if self.limits is None:
            return descriptor
        low, high = self.limits
        if isinstance(low, int):
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=int(high), step=1)]
        else:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=low, to_value=high, step=0.0)
            ]
        return descriptor


def parameter(default: Any, description: str, **constraints: Any) -> Any:
    """A field that is a parameter; `constraints` are those of `Constraint`."""
    constraint = Constraint(description, **constraints)
    return field(default=default, metadata={'constraint': constraint})


def constraints_of(kind: type[Any]) -> Mapping[str, Constraint]:
    """The constraint of each parameter of a data class."""
    return {one.name: one.metadata['constraint'] for one in fields(kind)}


def defaults_of(kind: type[Any]) -> Mapping[str, Any]:
    """The default of each parameter of a data class, as ROS has it."""
    return {
        one.name: list(one.default) if isinstance(one.default, tuple) else one.default
        for one in fields(kind)
    }


def declare_parameters(node: Node, kind: type[Any]) -> None:
    """Declare the parameters of a data class.

    Raises:
        rclpy.exceptions.InvalidParameterValueException: a value that was given is out of range.
        rclpy.exceptions.InvalidParameterTypeException: it is of another type.
    """
    constraints = constraints_of(kind)
    for name, default in defaults_of(kind).items():
        node.declare_parameter(name, default, constraints[name].descriptor())


def read_parameters(
    node: Node, kind: type[Parameters], changes: Mapping[str, Any] | None = None
) -> Parameters:
    """The values at this moment, as the data class.

    Args:
        node: that declared them.
        kind: the data class.
        changes: values that take the place of those that the node has.

    Raises:
        ValueError: one of them breaks a rule of the data class.
    """
    values: dict[str, Any] = {}
    given = changes or {}
    for name in constraints_of(kind):
        value = given[name] if name in given else node.get_parameter(name).value
        values[name] = tuple(value) if isinstance(value, (list, tuple)) else value
    return kind(**values)


def validate_change(
    constraints: Mapping[str, Constraint],
    parameters: Iterable[Parameter[Any]],
    configured: bool,
) -> SetParametersResult:
    """Whether these parameters may be set, with the reason where not.

    Args:
        constraints: of all parameters that are known here; others are none of our business.
        parameters: as a callback of `add_on_set_parameters_callback` gets them.
        configured: whether the node is past its configuration.
    """
    for one in parameters:
        constraint = constraints.get(one.name)
        if constraint is None:
            continue
        if configured and constraint.change == 'unconfigured':
            return SetParametersResult(
                successful=False,
                reason=f'{one.name} is used when the node is configured; clean the node up '
                'before it is changed',
            )
        try:
            constraint.check(one.name, one.value)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)
