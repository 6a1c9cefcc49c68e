# SPDX-License-Identifier: Apache-2.0
"""Parameters of a node as fields of a data class: declaration, reading and checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import yaml
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from afformer_core.errors import AfformerError
from afformer_core.settings import Constraint, constraints_of, parameter

__all__ = [
    'Constraint',
    'constraints_of',
    'declare_parameters',
    'defaults_of',
    'parameter',
    'read_parameters',
    'validate_change',
]

Parameters = TypeVar('Parameters')
_TYPES = {bool: 'true or false', int: 'a whole number', float: 'a number'}


class ArgumentError(AfformerError):
    """An argument is unknown, or its value has another type."""


def descriptor_of(constraint: Constraint) -> ParameterDescriptor:
    """Convert a constraint to a ROS descriptor."""
    descriptor = ParameterDescriptor(
        description=constraint.description, read_only=constraint.change == 'never'
    )
    texts = []
    if constraint.choices:
        texts.append(f'one of {", ".join(constraint.choices)}')
    if constraint.change == 'unconfigured':
        texts.append('changes only while the node is unconfigured')
    descriptor.additional_constraints = '; '.join(texts)
    if constraint.limits is None:
        return descriptor
    low, high = constraint.limits
    if isinstance(low, int):
        descriptor.integer_range = [IntegerRange(from_value=low, to_value=int(high), step=1)]
    else:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=low, to_value=high, step=0.0)
        ]
    return descriptor


def defaults_of(kind: type[Any]) -> Mapping[str, Any]:
    """Return the default of each parameter of a data class, in the types of ROS."""
    return {
        declared.name: list(declared.default)
        if isinstance(declared.default, tuple)
        else declared.default
        for declared in fields(kind)
    }


def value_of(name: str, text: str, default: Any) -> Any:
    """Read the value of a parameter in the type of its default; colons separate lists.

    Raises:
        ArgumentError: the text does not give a value of this type.
    """
    if isinstance(default, str):
        return text
    if isinstance(default, list):
        return text.split(':')
    value = yaml.safe_load(text)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(default):
        raise ArgumentError(f'{name} is {text!r}; expected {_TYPES[type(default)]}')
    return value


def declare_parameters(node: Node, kind: type[Any]) -> None:
    """Declare the parameters of a data class.

    Args:
        node: node that declares them.
        kind: the data class.

    Raises:
        rclpy.exceptions.InvalidParameterValueException: a given value is out of range.
        rclpy.exceptions.InvalidParameterTypeException: a given value has another type.
    """
    constraints = constraints_of(kind)
    for name, default in defaults_of(kind).items():
        node.declare_parameter(name, default, descriptor_of(constraints[name]))


def read_parameters(
    node: Node, kind: type[Parameters], changes: Mapping[str, Any] | None = None
) -> Parameters:
    """Read the current values into the data class.

    Args:
        node: node that declared them.
        kind: the data class.
        changes: values that replace those of the node.

    Raises:
        ValueError: a value violates a constraint or a rule of the data class.
    """
    values: dict[str, Any] = {}
    given = changes or {}
    for name, constraint in constraints_of(kind).items():
        value = given[name] if name in given else node.get_parameter(name).value
        values[name] = tuple(value) if isinstance(value, (list, tuple)) else value
        constraint.check(name, values[name])
    return kind(**values)


def validate_change(
    constraints: Mapping[str, Constraint],
    parameters: Iterable[Parameter[Any]],
    *,
    configured: bool,
) -> SetParametersResult:
    """Check whether parameters may be set, and return the reason if not.

    Args:
        constraints: constraints of all known parameters; other parameters are not checked.
        parameters: argument of a callback of `add_on_set_parameters_callback`.
        configured: whether the node is configured.
    """
    for changed in parameters:
        constraint = constraints.get(changed.name)
        if constraint is None:
            continue
        if configured and constraint.change == 'unconfigured':
            return SetParametersResult(
                successful=False,
                reason=f'{changed.name} can change only while the node is unconfigured. Clean the '
                'node up first',
            )
        try:
            constraint.check(changed.name, changed.value)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)
