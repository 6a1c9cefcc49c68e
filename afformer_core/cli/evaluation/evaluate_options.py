# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate` for the data, the model and the results."""

from __future__ import annotations

import argparse

from afformer_core.cli.options.media_options import add_dataset_part, add_folder_rate
from afformer_core.cli.options.path_options import (
    INPUT_FOLDER,
    INPUT_PATH,
    OUTPUT_PAGE,
    REPORT_FILE,
)
from afformer_core.cli.options.session_options import add_session_options


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the data; `require_data` checks them."""
    data = parser.add_mutually_exclusive_group()
    data.add_argument(
        '--annotations',
        type=INPUT_PATH,
        help='annotation file of OPRA (JSON or text), of the simulator, of EPIC-Hotspot or of '
        'AssistQ; or folder of your own pairs with points.csv',
    )
    data.add_argument(
        '--benchmark',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='measure a model on each test split of the simulated benchmark in this folder',
    )
    data.add_argument(
        '--pairs',
        type=INPUT_FOLDER,
        nargs='+',
        metavar='FOLDER',
        help='folders with pairs.json, which lists pairs of a clip and an image with outlined '
        'parts: print how often the best peak lies inside the right part, for all pairs, by '
        'folder and by source, compared with baselines that match images; the source of a pair is '
        'the `repository` of its entry, or else its folder; name models before this option',
    )
    parser.add_argument(
        '--contacts',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='folder with clips.json, which lists clips with the marked contact of the hand: '
        'print the distance between that contact and the one that a model reads, by source; with '
        '--pairs, clips that also belong to a pair are left out',
    )
    add_dataset_part(parser)


def require_data(arguments: argparse.Namespace) -> None:
    """Check that data is given.

    Raises:
        ValueError: no data is given, or contacts are combined with data other than pairs.
    """
    if arguments.contacts is not None:
        for other in ('annotations', 'benchmark'):
            if getattr(arguments, other) is not None:
                raise ValueError(
                    f'--contacts cannot be combined with --{other}. Give it with --pairs'
                )
    elif all(getattr(arguments, name) is None for name in ('annotations', 'benchmark', 'pairs')):
        raise ValueError(
            'no data is given. Give one of --annotations, --benchmark, --pairs and --contacts'
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


def add_measure_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how a model is measured."""
    parser.add_argument(
        '--prior-annotations',
        type=INPUT_PATH,
        help='annotation file from which the baselines compute their mean heatmaps, usually the '
        'training set (default: cross-validation of the dataset in five folds, which needs more '
        'than one image)',
    )
    parser.add_argument(
        '--frames',
        metavar='NAME',
        help="sampling of the frames of a clip. 'uniform N': N evenly spaced frames; 'R fps x N "
        "every S': the mean over windows of N frames, S frames apart, at R frames per second. The "
        "released code uses '2 fps x 32 every 16' (default: uniform, with the maximum number of "
        'frames of the model)',
    )
    parser.add_argument(
        '--together',
        type=int,
        default=1,
        metavar='N',
        help='number of demonstrations of the same element that are grounded together, for data '
        'with several, such as data simulated with --performances (default: 1)',
    )
    add_folder_rate(parser)
    parser.add_argument(
        '--heatmap-of',
        choices=('predicted', 'annotated'),
        default='predicted',
        help='for a model with a heatmap for each action, measure the heatmap of the predicted '
        'action, which a robot receives, or of the annotated action, like the released code. '
        'Tests with other demonstrations and absent elements always use the predicted action '
        '(default: predicted)',
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


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of results besides stdout."""
    parser.add_argument(
        '--json',
        type=REPORT_FILE,
        help='also write all numbers to this JSON file, see docs/reference/evaluation_json.md; '
        '-: print JSON instead of the tables',
    )
    parser.add_argument(
        '--report',
        type=OUTPUT_PAGE,
        help='.html file, or folder for report.html: a page with all tables and with images of '
        'the best, median and worst rows',
    )
