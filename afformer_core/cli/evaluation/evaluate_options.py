# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate` for the data, the model and the results."""

from __future__ import annotations

import argparse

from afformer_core.cli.options.path_options import (
    INPUT_FOLDER,
    INPUT_PATH,
    OUTPUT_FOLDER,
    OUTPUT_PAGE,
    REPORT_FILE,
)
from afformer_core.cli.options.session_options import add_session_options


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the data that is measured on; `require_data` checks them."""
    data = parser.add_mutually_exclusive_group()
    data.add_argument(
        '--annotations',
        type=INPUT_PATH,
        help="annotation file: OPRA's JSON or text, the simulator's, EPIC-Hotspot's, AssistQ's; "
        'or a folder of your own pairs with points.csv',
    )
    data.add_argument(
        '--benchmark',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='folder with all test splits of the simulated benchmark: print the accuracy of a '
        'model on each',
    )
    data.add_argument(
        '--pairs',
        type=INPUT_FOLDER,
        nargs='+',
        metavar='FOLDER',
        help='folders with pairs.json, pairs of a clip and an image in which parts are outlined: '
        'print how often peaks lie inside them, beside baselines that match images, of all pairs, '
        'by folder and by source; the source of a pair is what its entry calls `repository`, or '
        'else its folder; models are named before this option',
    )
    parser.add_argument(
        '--contacts',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='folder with clips.json, clips in which the contact of the hand is marked: print how '
        'near to it models read it, by source; alone, or with --pairs, where clips that are '
        'said to be clips of pairs are left out',
    )
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='test',
        help='split of EPIC-Hotspot or Ego-Exo4D (default: test)',
    )
    parser.add_argument(
        '--root',
        type=INPUT_FOLDER,
        help='folder of its clips and images (default: that of the file)',
    )


def require_data(arguments: argparse.Namespace) -> None:
    """Check that one kind of data is given.

    Raises:
        ValueError: none is, or contacts beside another than pairs.
    """
    if arguments.contacts is not None:
        for other in ('annotations', 'benchmark'):
            if getattr(arguments, other) is not None:
                raise ValueError(f'--contacts does not go with --{other}. Give it with --pairs')
    elif all(getattr(arguments, name) is None for name in ('annotations', 'benchmark', 'pairs')):
        raise ValueError(
            'no data is given. Give one of --annotations, --benchmark, --pairs and --contacts'
        )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the model."""
    parser.add_argument(
        '--prior-annotations',
        type=INPUT_PATH,
        help='annotation file from which the baselines take their mean maps, usually the training '
        'set (default: the dataset itself in five folds, which needs more than one image)',
    )
    parser.add_argument(
        '--limit',
        type=int,
        default=0,
        help='largest number of scenes (of images, if the data names none), the first ones; '
        '0: all',
    )
    parser.add_argument(
        '--pairs-per-group',
        type=int,
        default=0,
        help='number of pairs drawn at random for each scene or image; 0: all',
    )
    parser.add_argument(
        '--frames',
        metavar='NAME',
        help="frames of a clip that the model sees: 'uniform N', evenly spaced; or 'R fps x N "
        "every S', the mean over windows of N frames, S apart, at R frames per second, as in the "
        "released code by '2 fps x 32 every 16' (default: uniform, as many as the model takes)",
    )
    parser.add_argument(
        '--together',
        type=int,
        default=1,
        metavar='N',
        help='number of demonstrations of the same element that are grounded together, for data '
        'that has several, as simulated with --performances (default: 1)',
    )
    parser.add_argument(
        '--folder-rate',
        type=float,
        metavar='FPS',
        help='rate of the numbers in the names of frames, for clips that are folders of frames, '
        '60 for EPIC-KITCHENS; needed to sample them by time',
    )
    parser.add_argument(
        '--heatmap-of',
        choices=('predicted', 'annotated'),
        default='predicted',
        help='for a model with a heatmap for each action, measure that of the best action, as a '
        'robot gets it, or that of the annotated action, as the released code does; tests with '
        'other demonstrations and absent elements use the peak that a robot gets (default: '
        'predicted)',
    )
    parser.add_argument(
        '--calibrate',
        type=INPUT_PATH,
        nargs='*',
        metavar='FILE',
        help='fit presence on these pairs and on those of further annotation files, and write it '
        'to model.json, with the zoom stages; use validation splits. With --pairs: fit certainty '
        'on pairs of several sources, and write it',
    )
    parser.add_argument(
        '--zooms',
        type=float,
        nargs=2,
        metavar=('DEMONSTRATION', 'IMAGE'),
        action='append',
        help='add a zoom stage that enlarges the demonstration around its contact, and the image '
        'around the last peak, so many times; repeat the option for more stages (default: as '
        'model.json says)',
    )
    add_session_options(parser)
    parser.add_argument(
        '--skip-broken',
        action='store_true',
        help='leave out samples whose clip or image is missing or broken',
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of results besides stdout."""
    parser.add_argument(
        '--json',
        type=REPORT_FILE,
        help='write every number by name as JSON here (docs/reference/evaluation_json.md); - for '
        'stdout, without the tables',
    )
    parser.add_argument(
        '--report',
        type=OUTPUT_PAGE,
        help='write a page with all tables and with images of the best, median and worst rows: a '
        'file that ends with .html, or a folder for report.html',
    )
    parser.add_argument(
        '--images', type=OUTPUT_FOLDER, help='folder for the same images as contact sheets'
    )
