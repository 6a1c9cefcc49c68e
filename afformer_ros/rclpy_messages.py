# SPDX-License-Identifier: Apache-2.0
"""A factory of rclpy messages by type name."""

from __future__ import annotations

import importlib
from array import array
from functools import cache
from typing import Any

import numpy as np

from afformer_core.messages.factory import MessageFactory


class RclpyMessages(MessageFactory):
    """A factory of messages that rclpy publishes."""

    def create(self, type_name: str, **fields: Any) -> Any:
        """Create a message (see `MessageFactory`).

        Raises:
            TypeError: the message has no such field.
        """
        kind, names = message_class(type_name), _field_names(type_name)
        # rclpy silently ignores unknown fields.
        if not fields.keys() <= names:
            unknown = ', '.join(sorted(fields.keys() - names))
            raise TypeError(
                f'{type_name} has no field {unknown}; expected {", ".join(sorted(names))}'
            )
        return kind(**{name: _field_value(value) for name, value in fields.items()})


@cache
def message_class(type_name: str) -> Any:
    """Return the class of messages of a type such as 'geometry_msgs/msg/Point'.

    It is equivalent to `get_message` of rosidl_runtime_py, which the ROS 2 packages on PyPI lack.
    """
    package, kind, name = type_name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), name)


@cache
def _field_names(type_name: str) -> frozenset[str]:
    return frozenset(message_class(type_name).get_fields_and_field_types())


def _field_value(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype != np.uint8:
        return value
    # rclpy checks every byte separately unless the type is an array.
    data = array('B')
    data.frombytes(np.ascontiguousarray(value).data.cast('B'))
    return data
