# SPDX-License-Identifier: Apache-2.0
"""The parser of the commands for an environment without `ros2`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from afformer_core.errors import AfformerError
from afformer_ros.commands.ground import executable_arguments
from afformer_ros.commands.service_call import call_service
from afformer_ros.executables import grounding
from afformer_ros.interfaces import SERVICES


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    options = build_parser().parse_args(words)
    try:
        if options.command == 'ground':
            return grounding.main(executable_arguments(options.arguments), active=True)
        return call_service(options.service, options.request, options.node, options.timeout)
    except AfformerError as error:
        print(f'afformer: error: {error}', file=sys.stderr)
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
