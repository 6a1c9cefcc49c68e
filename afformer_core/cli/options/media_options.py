# SPDX-License-Identifier: Apache-2.0
"""Options of subcommands that read videos and folders of frames."""

from __future__ import annotations

import argparse


def add_folder_rate(parser: argparse.ArgumentParser) -> None:
    """Add the option for the rate of folders of numbered images."""
    parser.add_argument(
        '--folder-rate',
        type=float,
        metavar='HZ',
        help='frame rate of the video from which folders of numbered images were extracted, such '
        'as 60 for EPIC-KITCHENS; needed to read them by time',
    )
