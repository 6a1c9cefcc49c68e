# SPDX-License-Identifier: Apache-2.0
"""`afformer average`: one model as the mean of several from one training."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.path_options import INPUT_FOLDER, OUTPUT_FOLDER

_DESCRIPTION = """\
Write a model whose weights are the mean of the weights of several models of the
same architecture. Averaging can help if one model was trained further from the
weights of another; the mean of models that were trained separately is useless.
Calibrate and export the new model before use."""

_EXAMPLE = """example:
  afformer average models/fourth models/fifth --shares 0.3 0.7 --output models/mean
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'average',
        help='average the weights of models from one training',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'models',
        type=INPUT_FOLDER,
        nargs='+',
        help='two or more model folders, or `shipped` for the shipped model',
    )
    parser.add_argument(
        '--shares',
        type=float,
        nargs='+',
        help='share of each model in the mean, in the order of the models; the shares must add '
        'up to 1 (default: equal shares)',
    )
    parser.add_argument(
        '--output', type=OUTPUT_FOLDER, required=True, help='folder of the new model'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Average the models, and print the next step."""
    from afformer_core.runtime.shipped_model import model_folder
    from afformer_core.training.model_average import average_models

    count = len(arguments.models)
    shares = arguments.shares or [1 / count] * count
    average_models(list(map(model_folder, arguments.models)), shares, arguments.output)
    print(f'wrote {arguments.output}; measure it with: afformer evaluate {arguments.output} ...')
    return 0
