# SPDX-License-Identifier: Apache-2.0
"""`afformer cache`: the cache of a training, filled before it by many processes."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.engine_options import add_engine_options, engine_of

_DESCRIPTION = """\
Decode the clips and compute the features that a training would cache when it begins, by many
processes or machines. It takes the options of `afformer train`, of which data.cache_folder names
the folder. The training finds all of it there, and begins at once.

Only what is missing is made: the same command continues an interrupted run, and takes what is new
if videos were added. Files are written by this machine alone, each whole or not at all, and are
the same as without an engine. Media that cannot be read are named; the rest goes on, and the exit
status is then 1."""

_EXAMPLE = """\
examples:
  afformer cache -c config/train/simulated/small.yaml
  afformer cache -c config/train/opra/r50.yaml --data.cache_folder /data/opra_frames \\
      --engine ray --address head:6379 --processes 64
  afformer cache -c config/train/maskahand/folder.yaml --engine ray --gpus-per-process 0.25"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand, which takes the options of a training as well."""
    parser = subparsers.add_parser(
        'cache',
        help='fill the cache of a training by many processes',
        usage='afformer cache -c FILE [options of afformer train] [options]',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # An abbreviation could be an option of a training.
        allow_abbrev=False,
    )
    parser.add_argument(
        '--processes', type=int, metavar='N',
        help='number of processes (default: one for each core, or four for each GPU that features '
        'are computed on; as many as a cluster has room for)',
    )  # fmt: skip
    add_engine_options(parser)
    parser.set_defaults(run=run, passes_on=True)


def run(arguments: argparse.Namespace) -> int:
    """Fill the cache; returns 0 when it is complete."""
    from afformer_core.parallel.worker_process import let_waiting_threads_sleep

    # before the import below imports PyTorch
    let_waiting_threads_sleep()

    from afformer_core.training.cache_filling import fill_cache

    fill_cache(arguments.passed_on, engine_of(arguments, arguments.processes))
    return 0
