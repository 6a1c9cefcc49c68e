# SPDX-License-Identifier: Apache-2.0
"""`afformer verify`: a check of a dataset for missing and broken files."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.command import add_command, add_json, print_report
from afformer_core.cli.options.dataset_options import add_dataset_part
from afformer_core.cli.options.path_options import INPUT_PATH

_DESCRIPTION = """\
Count the samples, clips and images of a dataset. List files that are missing,
broken, or of another size than annotated, and folders of your own pairs without a
table. The exit status is 1 if there is any problem."""

_EXAMPLE = """examples:
  afformer verify opra/test.json --root opra
  afformer verify assistq/train.json --decode --json health.json
  afformer verify my_pairs
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'list missing and broken files of a dataset'
    parser = add_command(subparsers, 'verify', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'annotations',
        type=INPUT_PATH,
        help='annotation file of a dataset, or folder of your own pairs with points.csv',
    )
    add_dataset_part(parser)
    parser.add_argument(
        '--decode',
        action='store_true',
        help='decode every frame to find damaged files, which training uses up to the damage',
    )
    add_json(parser, 'the result', 'text')


def run(arguments: argparse.Namespace) -> int:
    """Check the dataset, and print the problems."""
    from afformer_core.offline.data.annotations import annotating_files, open_annotations
    from afformer_core.offline.data.verification import dataset_health, health_text

    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    health = dataset_health(dataset, arguments.decode)
    print_report(arguments, health_text(health), health, annotating_files(arguments.annotations))
    return 1 if health['problems'] or health['folders without a table'] else 0
