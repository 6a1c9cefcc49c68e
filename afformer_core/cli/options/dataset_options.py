# SPDX-License-Identifier: Apache-2.0
"""Options of subcommands that read a dataset."""

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


def add_choice_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose pairs of the data."""
    parser.add_argument(
        '--limit',
        type=int,
        default=0,
        help='number of scenes to measure, beginning with the first, or of images if the data has '
        'no scenes; 0: all (default: 0)',
    )
    parser.add_argument(
        '--pairs-per-group',
        type=int,
        default=0,
        help='number of pairs drawn at random for each scene or image; 0: all (default: 0)',
    )
    parser.add_argument(
        '--skip-broken',
        action='store_true',
        help='leave out samples whose clip or image is missing or broken',
    )
