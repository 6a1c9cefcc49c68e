# SPDX-License-Identifier: Apache-2.0
"""Commands that start and call the grounding node where `ros2` is not installed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import rclpy
import yaml

from afformer_core.errors import AfformerError
from afformer_ros.client import GroundingClient, NoAnswerError
from afformer_ros.environment import prepare_environment
from afformer_ros.executables import grounding
from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.interfaces import SERVICES
from afformer_ros.parameter_fields import ArgumentError, defaults_of, value_of

# Topics that are remapped to the argument of their name with the suffix _topic.
INPUT_TOPICS = ('image', 'depth', 'camera_info', 'demonstration')
_SEPARATOR = ':='
# Seconds to wait for a node that offers the service.
_PATIENCE = 10.0
# Seconds for the node to discover this client; Fast DDS drops answers to clients that it has not.
_DISCOVERY = 0.3
# Sequences with more elements, such as those of an image, are not printed.
_LONGEST = 100


def executable_arguments(words: Sequence[str]) -> list[str]:
    """Translate arguments of the launch file.

    Args:
        words: arguments of the form NAME:=VALUE.

    Returns:
        arguments of the executable, from `--ros-args` on.

    Raises:
        ArgumentError: an argument is unknown, or its value has another type.
    """
    arguments = ['--ros-args']
    for word in words:
        name, separator, value = word.partition(_SEPARATOR)
        if not separator:
            raise ArgumentError(f'an argument is {word!r}; expected NAME:=VALUE')
        arguments += _translated(name, value)
    return arguments


def _translated(name: str, value: str) -> list[str]:
    topic = name.removesuffix('_topic')
    if name != topic and topic in INPUT_TOPICS:
        return ['-r', f'{topic}:={value}']
    if name == 'namespace':
        return ['-r', f'__ns:=/{value.strip("/")}']
    if name == 'params_file':
        return ['--params-file', value]
    if name == 'log_level':
        return ['--log-level', value]
    defaults: dict[str, Any] = {
        'use_sim_time': False,
        **defaults_of(GroundingParameters),
        **defaults_of(QosParameters),
    }
    if name not in defaults:
        topics = ', '.join(f'{topic_name}_topic' for topic_name in INPUT_TOPICS)
        raise ArgumentError(
            f'an argument is {name!r}; expected {topics}, namespace, params_file, log_level, or '
            'a parameter of config/ground.yaml. RViz and a restart need ros2 launch'
        )
    return ['-p', f'{name}:={json.dumps(value_of(name, value, defaults[name]))}']


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
    request = filled_request(SERVICES[service], text)
    fields = {name: getattr(request, name) for name in request.get_fields_and_field_types()}
    prepare_environment()
    rclpy.init()
    caller = rclpy.create_node('caller')
    try:
        client = GroundingClient(caller, node, _PATIENCE)
        client.wait_for_node()
        time.sleep(_DISCOVERY)
        answer = client.call(service, timeout, **fields)
    except NoAnswerError as error:
        raise CallError(f'{error}. Is --node {node} its name?') from error
    except KeyboardInterrupt:
        raise CallError(f'{service} has not answered') from None
    finally:
        caller.destroy_node()
        rclpy.try_shutdown()
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


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    options = build_parser().parse_args(words)
    try:
        if options.command == 'ground':
            return grounding.main(executable_arguments(options.arguments), active=True)
        return call_service(options.service, options.request, options.node, options.timeout)
    except AfformerError as error:
        print('afformer: error:', *str(error).split(), file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of both commands."""
    parser = argparse.ArgumentParser(
        prog='python -m afformer_ros',
        description='Start and call the grounding node where ros2 is not installed.',
        epilog='example: python -m afformer_ros ground image_topic:=/camera/image_raw',
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    ground = commands.add_parser(
        'ground',
        help='start the node, configure it and activate it',
        description='Start the grounding node, configure it and activate it, until Ctrl-C. It is '
        'not restarted if it ends, and RViz is not started.',
        epilog='example: python -m afformer_ros ground image_topic:=/camera/image_raw '
        'demonstration_topic:=/camera/image_raw minimum_presence:=0.5',
        allow_abbrev=False,
    )
    ground.add_argument(
        'arguments',
        nargs='*',
        metavar='NAME:=VALUE',
        help='an argument of ground.launch.py, or any parameter of config/ground.yaml',
    )
    call = commands.add_parser(
        'call',
        help='call a service of the node',
        description='Call a service of the grounding node and print its answer.',
        epilog='example: python -m afformer_ros call start_demonstration "{name: espresso}"',
        allow_abbrev=False,
    )
    call.add_argument('service', metavar='SERVICE', choices=SERVICES, help=', '.join(SERVICES))
    call.add_argument(
        'request',
        nargs='?',
        default='{}',
        metavar='REQUEST',
        help='fields of the request in YAML, such as "{name: espresso}" (default: no fields)',
    )
    call.add_argument(
        '--node', default='/grounding', help='name of the node (default: /grounding)'
    )
    call.add_argument(
        '--timeout',
        type=float,
        default=90.0,
        metavar='SECONDS',
        help='maximum time to wait for the answer (default: 90)',
    )
    return parser
