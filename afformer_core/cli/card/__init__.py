# SPDX-License-Identifier: Apache-2.0
"""`afformer card`: the model card of a model folder, in Markdown."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.path_options import INPUT_NAME, OUTPUT_FILE

_DESCRIPTION = """\
Write a model card in Markdown from model.json: architecture, the data and weights
from which the model was made, with their licences, measures, and commands."""

_EXAMPLE = """examples:
  afformer card my_model
  afformer card my_model --output my_model/MODEL_CARD.md
  afformer card shipped
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'card',
        help='write the model card of a model',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('model', type=INPUT_NAME, help='model folder, or `shipped`')
    parser.add_argument(
        '--output', type=OUTPUT_FILE, help='file to write (default: print the card)'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the card."""
    from afformer_core.cli.card.model_card import model_card
    from afformer_core.files.atomic import write_aside
    from afformer_core.runtime.shipped_model import model_folder

    card = model_card(model_folder(arguments.model))
    if arguments.output is None:
        print(card, end='')
    else:
        write_aside(arguments.output, card.encode())
    return 0
