# SPDX-License-Identifier: Apache-2.0
"""Options of subcommands that read videos and folders of frames."""

from __future__ import annotations

import argparse

from afformer_core.cli.options.path_options import INPUT_FOLDER


def add_folder_rate(parser: argparse.ArgumentParser) -> None:
    """Add the option for the rate of folders of numbered images."""
    parser.add_argument(
        '--folder-rate',
        type=float,
        metavar='HZ',
        help='frame rate of the video from which folders of numbered images were extracted, such '
        'as 60 for EPIC-KITCHENS; needed to read them by time',
    )


def add_dataset_part(parser: argparse.ArgumentParser, split: str = 'test') -> None:
    """Add the options for the folder of a dataset's media, and for its split."""
    parser.add_argument(
        '--root',
        type=INPUT_FOLDER,
        help="folder of the clips and images (default: determined by the dataset's layout)",
    )
    parser.add_argument(
        '--split',
        choices=('train', 'test'),
        default=split,
        help=f'split of EPIC-Hotspot (default: {split})',
    )
