# SPDX-License-Identifier: Apache-2.0
"""`afformer convert`: conversion of a dataset to a manifest."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command
from afformer_core.cli.options.dataset_options import add_dataset_part
from afformer_core.cli.options.path_options import INPUT_PATH, OUTPUT_PATH

if TYPE_CHECKING:
    from afformer_core.offline.data.annotated_dataset import AnnotatedDataset

_DESCRIPTION = """\
Write a dataset as a manifest, a file in JSON lines with a clip, a target image, an
action and its points or region in each row."""

_EXAMPLE = """examples:
  afformer convert opra/test.json opra.jsonl --root opra
  afformer convert my_pairs my_pairs.jsonl
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'convert a dataset to a manifest'
    parser = add_command(subparsers, 'convert', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument(
        'annotations', type=INPUT_PATH, help='annotation file or folder of a dataset'
    )
    parser.add_argument('output', type=OUTPUT_PATH, help='file to write, which ends in .jsonl')
    add_dataset_part(parser)


def run(arguments: argparse.Namespace) -> int:
    """Convert the dataset, and print what the manifest contains."""
    from afformer_core.offline.data.annotations import open_annotations

    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    write_dataset(dataset, arguments.output)
    return 0


def write_dataset(dataset: AnnotatedDataset, output: Path) -> None:
    """Write a manifest; print its samples, their licences, and what was left out of them."""
    from afformer_core.offline.data.manifest.files import convert

    convert(dataset, output)
    print(f'{output}: {len(dataset)} samples')
    origins = Counter(sample.origin for sample in dataset)
    for origin, count in sorted(origins.items()):
        print(f'- {origin.source}: {count}, licence {origin.licence} ({origin.terms})')
    for reason, count in dataset.manifest.left_out.most_common():
        print(f'- left out, {reason}: {count}')
