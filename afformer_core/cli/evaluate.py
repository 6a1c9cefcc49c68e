# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate`: a model's accuracy beside predictors that look at nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from afformer_core.cli.session_options import add_session_options, open_grounder

_EXAMPLE = """example:
  afformer evaluate --dataset simulated/test.json --prior-annotations simulated/train.json \\
      --limit 300 --pairs-per-group 1 --pictures evaluation_pictures
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'evaluate',
        help='measure a model on an annotated dataset',
        description=(
            'Grounds the demonstrations of a dataset in its images and prints tables with the '
            'predictors that look at nothing beside the model.'
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'model', type=Path, nargs='?', help='model folder (default: the shipped one)'
    )
    parser.add_argument('--dataset', type=Path, required=True, help='annotation file')
    parser.add_argument(
        '--root', type=Path, help='folder of its clips and images (default: that of the file)'
    )
    parser.add_argument(
        '--prior-annotations',
        type=Path,
        help='annotation file the blind mean maps come from, usually the training set '
        '(default: the dataset itself in five folds)',
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
    add_session_options(parser)
    parser.add_argument('--seed', type=int, default=0, help='of pairs, jitter and bootstrap')
    parser.add_argument('--json', help='write the tables as JSON here; - for stdout instead')
    parser.add_argument(
        '--pictures', type=Path, help='write contact sheets of best, median and worst pairs here'
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print."""
    import torch

    from afformer_core.data.opra import OpraDataset
    from afformer_core.errors import DatasetError
    from afformer_core.evaluation.model_run import ModelRun
    from afformer_core.evaluation.pairs import choose_pairs
    from afformer_core.evaluation.pictures import write_contact_sheets
    from afformer_core.evaluation.protocols import RowsProtocol
    from afformer_core.evaluation.report import (
        build_report,
        prior_from_folds,
        prior_from_training,
    )
    from afformer_core.runtime import shipped_model_folder
    from afformer_core.runtime.model_folder import write_aside

    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    grounder = open_grounder(arguments.model, arguments)
    dataset = OpraDataset(arguments.dataset, arguments.root)
    protocol = RowsProtocol()
    pairs = choose_pairs(dataset, arguments.limit, arguments.pairs_per_group, arguments.seed)
    if not pairs:
        raise DatasetError(f'{arguments.dataset} holds no sample; check its annotation file')
    if arguments.prior_annotations is None:
        prior = prior_from_folds(protocol, protocol.rows(dataset))
    else:
        training = OpraDataset(arguments.prior_annotations)
        prior = prior_from_training(protocol, training, dataset)
    model_run = ModelRun(grounder, protocol, arguments.seed)
    results = model_run.evaluate(pairs)
    facts = {
        'model': str(arguments.model or shipped_model_folder()),
        'backend': grounder.backend,
        'input size': 'x'.join(str(side) for side in grounder.configuration.input_size),
        'dataset': str(arguments.dataset),
    }
    report = build_report(results, protocol, prior, dataset.action_names, facts, arguments.seed)
    content = json.dumps(report.to_json(), indent=2)
    print(content if arguments.json == '-' else report.to_markdown())
    if arguments.json not in (None, '-'):
        write_aside(Path(arguments.json), (content + '\n').encode())
    if arguments.pictures is not None:
        write_contact_sheets(arguments.pictures, results, model_run, protocol)
    return 0
