# SPDX-License-Identifier: Apache-2.0
"""Options that `afformer evaluate` and `afformer calibrate` share."""

from __future__ import annotations

import argparse

from afformer_core.cli.options.session_options import add_session_options


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


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the model's session and zoom stages."""
    parser.add_argument(
        '--zooms',
        type=float,
        nargs=2,
        metavar=('DEMONSTRATION', 'IMAGE'),
        action='append',
        help='add a zoom stage that magnifies the demonstration around its contact and the image '
        'around the peak of the previous stage by these factors; repeat the option to add stages '
        '(default: the zoom stages in model.json)',
    )
    add_session_options(parser)
