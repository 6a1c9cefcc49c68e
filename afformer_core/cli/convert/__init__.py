# SPDX-License-Identifier: Apache-2.0
"""`afformer convert`: conversion of a dataset to a manifest, and back to other formats."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_PATH, OUTPUT_PATH

_EXAMPLE = """examples:
  afformer convert opra/test.json opra.parquet --root opra
  afformer convert my_pairs my_pairs.jsonl
  afformer convert my_pairs.jsonl pairs_with_media
  afformer convert my_pairs as_opra/test.json    # to be read with --root my_pairs
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'convert',
        help='convert a dataset to a manifest, and back',
        description='Writes the samples of any dataset in another format: a manifest, one file of '
        'JSON lines or Parquet whose rows name a clip, a target image, an action and where it is '
        'right; a folder of pairs with points.csv, for which clips and images are copied; or the '
        'JSON of OPRA, with paths from the root of the dataset.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'annotations', type=INPUT_PATH, help='annotation file or folder of any dataset'
    )
    parser.add_argument(
        'output',
        type=OUTPUT_PATH,
        help='a new file: .jsonl or .parquet for a manifest, .json for that of OPRA; a name '
        'without an ending for a folder of pairs',
    )
    parser.add_argument('--root', type=INPUT_FOLDER, help='folder of its clips and images')
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='test',
        help='split of EPIC-Hotspot or Ego-Exo4D',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Convert the dataset, and print the number of samples and their licences."""
    from afformer_core.data.annotations import open_annotations
    from afformer_core.data.conversion.conversion import convert

    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    convert(dataset, arguments.output)
    print(f'{arguments.output}: {len(dataset)} samples')
    origins = Counter(sample.origin for sample in dataset)
    for origin, count in sorted(origins.items()):
        print(f'- {origin.source}: {count}, licence {origin.licence} ({origin.terms})')
    return 0
