# SPDX-License-Identifier: Apache-2.0
"""`afformer simulate`: render a dataset of simulated demonstrations."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Render appliances that a hand operates, in OPRA's form: clips of demonstrations, pictures of the
same appliances from other cameras without the hand, and OUT/SPLIT.json. A run that was
interrupted is continued by the same command."""

_EXAMPLE = """\
example:
  afformer simulate datasets/simulated --split train --appliances 2100 --seed 1 --processes 2"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to `argparse`'s subparsers."""
    parser = subparsers.add_parser(
        'simulate',
        help='render a dataset of simulated demonstrations',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('out', type=Path, metavar='OUT', help='folder of the dataset')
    parser.add_argument('--split', default='train', help='name of the split (default: train)')
    parser.add_argument(
        '--appliances', type=int, default=2100, help='how many appliances (default: 2100)'
    )
    parser.add_argument('--seed', type=int, default=1, help='of the dataset (default: 1)')
    parser.add_argument(
        '--processes', type=int, default=1, help='how many render at once (default: 1)'
    )
    parser.add_argument(
        '--demonstrations',
        type=int,
        default=3,
        help='clips of an appliance, each of another element (default: 3)',
    )
    parser.add_argument(
        '--targets', type=int, default=3, help='target views of an appliance (default: 3)'
    )
    parser.add_argument('--frames', type=int, default=8, help='frames of a clip (default: 8)')
    parser.add_argument(
        '--rate', type=float, default=4.0, help='frames per second of a clip (default: 4)'
    )
    parser.add_argument(
        '--longest-side',
        type=int,
        default=256,
        help='longest side of the pictures, in pixels (default: 256)',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render the dataset that the arguments describe; 0 when it is complete."""
    from tqdm import tqdm

    from afformer_core.sim.dataset_writer import DatasetPlan, write_dataset

    if arguments.processes < 1:
        raise ValueError(f'--processes must be at least 1, not {arguments.processes}')
    plan = DatasetPlan(
        seed=arguments.seed,
        appliances=arguments.appliances,
        demonstrations=arguments.demonstrations,
        targets=arguments.targets,
        frames=arguments.frames,
        rate=arguments.rate,
        longest_side=arguments.longest_side,
    )
    with tqdm(total=plan.appliances, unit='appliance') as bar:
        for done in write_dataset(arguments.out, arguments.split, plan, arguments.processes):
            bar.update(done - bar.n)
    return 0
