# SPDX-License-Identifier: Apache-2.0
"""`afformer cache`: the cache of a training, filled in advance by many processes."""

from __future__ import annotations

import argparse
from typing import Any

from afformer_core.cli.options.engine_options import add_engine_options, engine_of

_DESCRIPTION = """\
Decode the clips and compute the features that a training caches, with many
processes or machines, so that the training starts at once. The command accepts
the options of `afformer train`; data.cache_folder is the folder of the cache.

Run the same command again to continue after an interruption, or to add the clips
of new videos; existing files are kept. Only this machine writes to the cache, and
it writes each file atomically. The files do not depend on the engine. Media that
cannot be read are listed, and the exit status is 1."""

_EXAMPLE = """\
examples:
  afformer cache -c config/train/simulated/small.yaml
  afformer cache -c config/train/opra/r50.yaml --data.cache_folder /data/opra_frames \\
      --engine ray --address head:6379 --processes 64
  afformer cache -c config/train/maskahand/folder.yaml --engine ray --gpus-per-process 0.25"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand, which also accepts the options of a training."""
    parser = subparsers.add_parser(
        'cache',
        help='fill the cache of a training in advance',
        usage='afformer cache -c FILE [options of afformer train] [options]',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # An abbreviation could be an option of a training.
        allow_abbrev=False,
    )
    parser.add_argument(
        '--processes', type=int, metavar='N',
        help='number of processes (default: one for each core, or four for each GPU if features '
        'are computed on GPUs; in a Ray cluster, as many as fit)',
    )  # fmt: skip
    add_engine_options(parser)
    parser.set_defaults(run=run, passes_on=True)


def run(arguments: argparse.Namespace) -> int:
    """Fill the cache; return 0 when it is complete."""
    from afformer_core.parallel.worker_process import let_waiting_threads_sleep

    # before the import below imports PyTorch
    let_waiting_threads_sleep()

    from afformer_core.training.cache_filling import fill_cache

    fill_cache(arguments.passed_on, engine_of(arguments, arguments.processes))
    return 0
