# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate`: those of a single model, and those of its results."""

from __future__ import annotations

import argparse
from pathlib import Path

from afformer_core.cli.options.session_options import add_session_options


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add what is asked for the model alone."""
    parser.add_argument(
        '--prior-annotations',
        type=Path,
        help='annotation file the blind mean maps come from, usually the training set '
        '(default: the dataset itself in five folds; of one image there are none then)',
    )
    parser.add_argument(
        '--limit',
        type=int,
        default=0,
        help='appliances at most (images, where the data names none), the first ones; 0: all',
    )
    parser.add_argument(
        '--pairs-per-group',
        type=int,
        default=0,
        help='pairs drawn at random of each appliance or image; 0: all',
    )
    parser.add_argument(
        '--frames',
        metavar='NAME',
        help="which frames of a clip the model is shown: 'uniform N', evenly spaced; or 'R fps x "
        "N every S', windows of N frames, S apart, at R frames a second, of which the mean is "
        "taken, as in the released code by '2 fps x 32 every 16' (default: uniform, as many as "
        'the model takes)',
    )
    parser.add_argument(
        '--together',
        type=int,
        default=1,
        metavar='N',
        help='demonstrations of the same element that are grounded at once, of data that has '
        'several, as simulated with --performances (default: 1)',
    )
    parser.add_argument(
        '--folder-rate',
        type=float,
        metavar='FPS',
        help='numbers a second in the names of frames where a clip is a folder of them, 60 for '
        'EPIC-KITCHENS; needed to sample them by time',
    )
    parser.add_argument(
        '--heatmap-of',
        choices=('predicted', 'annotated'),
        default='predicted',
        help='of a model with a heatmap for each action, measure that of the action it finds '
        'best, as a robot gets it, or that of the annotated action, as the released code counts; '
        'whether the demonstration decides and what is not in view is asked of the peak that a '
        'robot gets (default: predicted)',
    )
    parser.add_argument(
        '--calibrate',
        action='store_true',
        help='fit on these pairs how likely an image shows what was demonstrated, and below which '
        'probability a robot finds nothing, and write it to model.json, with how it looked; use a '
        'validation split',
    )
    parser.add_argument(
        '--zooms',
        type=float,
        nargs=2,
        metavar=('DEMONSTRATION', 'IMAGE'),
        action='append',
        help='look again, closer, so many times larger: at the demonstration around the place '
        'where it acts, and at the image around the place that was found; each of several of '
        'these options is one more look (default: as model.json says)',
    )
    add_session_options(parser)
    parser.add_argument(
        '--skip-broken',
        action='store_true',
        help='leave out samples whose clip or image is missing or broken',
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add where results go besides stdout."""
    parser.add_argument(
        '--json',
        help='write every number by name as JSON here (docs/reference/evaluation_json.md); - for '
        'stdout, without the tables',
    )
    parser.add_argument(
        '--report',
        type=Path,
        help='write one page with all tables and pictures of the best, median and worst rows: a '
        'file that ends with .html, or a folder for report.html',
    )
    parser.add_argument(
        '--pictures', type=Path, help='folder for the same pictures as contact sheets'
    )
