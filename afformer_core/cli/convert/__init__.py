# SPDX-License-Identifier: Apache-2.0
"""`afformer convert`: conversion of a dataset to a manifest."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_PATH, OUTPUT_PATH

_DESCRIPTION = """\
Write a dataset as a manifest, a file in JSON lines or Parquet with a clip, a target
image, an action and its points or region in each row."""

_EXAMPLE = """examples:
  afformer convert opra/test.json opra.parquet --root opra
  afformer convert my_pairs my_pairs.jsonl
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'convert',
        help='convert a dataset to a manifest',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'annotations', type=INPUT_PATH, help='annotation file or folder of a dataset'
    )
    parser.add_argument(
        'output',
        type=OUTPUT_PATH,
        help='file to write, which ends in .jsonl or .parquet',
    )
    parser.add_argument(
        '--root',
        type=INPUT_FOLDER,
        help="folder of the clips and images (default: determined by the dataset's layout)",
    )
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='test',
        help='split of EPIC-Hotspot or Ego-Exo4D (default: test)',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Convert the dataset, and print the number of samples and their licences."""
    from afformer_core.data.annotations import open_annotations
    from afformer_core.data.manifest.conversion import convert

    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    convert(dataset, arguments.output)
    print(f'{arguments.output}: {len(dataset)} samples')
    origins = Counter(sample.origin for sample in dataset)
    for origin, count in sorted(origins.items()):
        print(f'- {origin.source}: {count}, licence {origin.licence} ({origin.terms})')
    return 0
