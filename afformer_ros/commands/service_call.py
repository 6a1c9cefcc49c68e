# SPDX-License-Identifier: Apache-2.0
"""Calls of the services of a grounding node, with requests in YAML."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import rclpy
import yaml

from afformer_core.errors import AfformerError
from afformer_ros.environment import prepare_environment
from afformer_ros.interfaces import SERVICES

# Seconds to wait for a node that offers the service.
_PATIENCE = 10.0
# Seconds for the node to discover this client; Fast DDS drops answers to clients that it has not.
_DISCOVERY = 0.3
# Sequences with more elements, such as those of an image, are not printed.
_LONGEST = 100


class CallError(AfformerError):
    """A request is not valid, or the node does not answer."""


def call_service(service: str, text: str, node: str, timeout: float) -> int:
    """Call a service of a grounding node and print the answer.

    Args:
        service: name of the service without that of the node.
        text: fields of the request in YAML.
        node: name of the node, with its namespace.
        timeout: maximum time to wait for the answer, in seconds.

    Returns:
        exit status: 0, or 1 if the answer reports a failure.

    Raises:
        CallError: the request is not valid, or the node does not answer.
    """
    kind = SERVICES[service]
    request = filled_request(kind, text)
    answer = _call(kind, f'{node.rstrip("/")}/{service}', request, timeout)
    print('\n'.join(message_lines(answer)))
    return 0 if getattr(answer, 'success', True) else 1


def filled_request(kind: Any, text: str) -> Any:
    """Fill a request.

    Args:
        kind: type of the service.
        text: its fields in YAML.

    Raises:
        CallError: a field is unknown, or its value has another type.
    """
    request = kind.Request()
    known = request.get_fields_and_field_types()
    try:
        fields = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CallError(f'the request {text!r} is not valid YAML: {error}') from error
    if not isinstance(fields, dict):
        raise CallError(f'the request is {text!r}; expected fields, such as "{{name: espresso}}"')
    for name, value in fields.items():
        if name not in known:
            raise CallError(
                f'the request has the field {name!r}; expected {", ".join(known) or "none"}'
            )
        kind_of_value = type(getattr(request, name))
        if kind_of_value is float and type(value) is int:
            value = float(value)
        if type(value) is not kind_of_value:
            raise CallError(f'{name} is {value!r}; expected a value of type {known[name]}')
        setattr(request, name, value)
    return request


def message_lines(message: Any, indent: str = '') -> Iterator[str]:
    """Yield the fields of a message as lines of YAML, long sequences by their length."""
    for name in message.get_fields_and_field_types():
        value = getattr(message, name)
        if hasattr(value, 'get_fields_and_field_types'):
            yield f'{indent}{name}:'
            yield from message_lines(value, f'{indent}  ')
        elif isinstance(value, (str, bool, int, float)):
            yield f'{indent}{name}: {value}'
        elif len(value) > _LONGEST:
            yield f'{indent}{name}: {len(value)} elements'
        else:
            yield f'{indent}{name}: [{", ".join(map(str, value))}]'


def _call(kind: Any, name: str, request: Any, timeout: float) -> Any:
    prepare_environment()
    rclpy.init()
    node = rclpy.create_node('caller')
    try:
        client: Any = node.create_client(kind, name)
        if not client.wait_for_service(_PATIENCE):
            raise CallError(
                f'no node offers {name}. Start it with python -m afformer_ros ground, or give its '
                'name with --node'
            )
        time.sleep(_DISCOVERY)
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=timeout)
        if not future.done():
            raise CallError(f'{name} did not answer within {timeout:g} s')
        return future.result()
    except KeyboardInterrupt:
        raise CallError(f'{name} has not answered') from None
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
