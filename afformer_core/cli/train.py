# SPDX-License-Identifier: Apache-2.0
"""`afformer train`: training of a model, configured by YAML files."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the subcommand, whose options are Lightning's."""
    parser = subparsers.add_parser(
        'train',
        help='train a model on an annotated dataset',
        add_help=False,
        # no argument looks like an option, so all are passed to Lightning's parser
        prefix_chars='\0',
    )
    parser.add_argument('arguments', nargs='*')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train the model, and write its folder."""
    from afformer_core.offline.training.command import train

    given = list(arguments.arguments)
    if '--debug' in given:
        given.remove('--debug')
        arguments.debug = True
    train(given)
    return 0
