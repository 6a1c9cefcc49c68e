# SPDX-License-Identifier: Apache-2.0
"""Options of the engine that executes the parts of a long task."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afformer_core.offline.parallel.engine import ParallelEngine

# Backends that compute only on a GPU.
_GPU_BACKENDS = ('torch-cuda', 'onnxruntime-cuda', 'tensorrt')


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Add `--processes` of processes that each open the model, and the options of the engine."""
    parser.add_argument(
        '--processes',
        type=int,
        default=1,
        help='number of processes, each with its own copy of the model; the results do not '
        'depend on it (default: 1)',
    )
    add_engine_options(parser)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the engine besides `--processes`."""
    parser.add_argument(
        '--engine',
        choices=('local', 'ray'),
        default='local',
        help='run the processes on this machine (local), or in a Ray cluster (ray), which needs '
        'the extra cluster of the package (default: local)',
    )
    parser.add_argument(
        '--address',
        metavar='HOST:PORT',
        help='address of a Ray cluster (default: auto, the cluster that runs on this machine)',
    )
    parser.add_argument(
        '--gpus-per-process',
        type=float,
        metavar='N',
        help='GPUs for each process in a Ray cluster; 0.25 runs four processes on each GPU '
        '(default: 1 if the process computes on a GPU, 0 otherwise)',
    )


def engine_of(arguments: argparse.Namespace, processes: int | None) -> ParallelEngine:
    """Return the engine that the arguments describe.

    Args:
        arguments: values of `add_engine_options`.
        processes: number of processes; None for as many as fit.

    Raises:
        ValueError: options of a cluster are given without a cluster, or a number is out of range.
    """
    from afformer_core.offline.parallel.local_engine import LocalEngine
    from afformer_core.offline.parallel.ray_engine import RayEngine

    if processes is not None and processes < 1:
        raise ValueError(f'--processes is {processes}; expected at least 1')
    if arguments.engine == 'ray':
        gpus = arguments.gpus_per_process
        if gpus is None and getattr(arguments, 'backend', None) in _GPU_BACKENDS:
            gpus = 1.0
        return RayEngine(processes, arguments.address or 'auto', gpus)
    for option in ('address', 'gpus_per_process'):
        if getattr(arguments, option) is not None:
            name = option.replace('_', '-')
            raise ValueError(f'--{name} is given without --engine ray. Give both')
    return LocalEngine(processes)


def divide_threads(arguments: argparse.Namespace) -> None:
    """Divide the cores among several processes, which would otherwise wait for each other."""
    if arguments.threads == 0 and arguments.processes > 1:
        arguments.threads = max(1, (os.cpu_count() or 1) // arguments.processes)
