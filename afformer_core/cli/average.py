# SPDX-License-Identifier: Apache-2.0
"""`afformer average`: one model of several that one training led to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_EXAMPLE = """example:
  afformer average models/fourth models/fifth --shares 0.3 0.7 --output models/mean
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'average',
        help='make one model of several that one training led to',
        description='Writes the model whose weights are the mean of those of others of the same '
        'architecture. It is worth a try for models of which one went on with the weights of '
        'another; of models trained apart the mean is of no use. Calibrate and export it anew.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('models', type=Path, nargs='+', help='model folders, at least two')
    parser.add_argument(
        '--shares',
        type=float,
        nargs='+',
        help='of each model in the mean, in their order; their sum is 1 (default: all the same)',
    )
    parser.add_argument('--output', type=Path, required=True, help='folder of the new model')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Average, and say what is next."""
    from afformer_core.training.model_average import average_models

    count = len(arguments.models)
    shares = arguments.shares or [1 / count] * count
    average_models(arguments.models, shares, arguments.output)
    print(f'wrote {arguments.output}; measure it with: afformer evaluate {arguments.output} ...')
    return 0
