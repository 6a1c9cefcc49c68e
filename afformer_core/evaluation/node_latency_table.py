# SPDX-License-Identifier: Apache-2.0
"""Latency of a model in the grounding node, from camera image to result over DDS.

ROS stays outside of this package: the node is measured by a module of its own process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from afformer_core.errors import AfformerError
from afformer_core.evaluation.methods import Method
from afformer_core.evaluation.tables import Cell, Table

_COLUMNS = {
    'images / s': 'images_per_second',
    'ms end to end': 'milliseconds',
    '95 %': 'p95_milliseconds',
    'ms in the model': 'ground_p50',
    'ms besides it': 'overhead_p50',
    'its 95 %': 'overhead_p95',
}
_NOTES = (
    'Images of noise, 640x480 at 30 Hz, are published by another process; of images that come '
    'while one is grounded, the newest is next. End to end: from the stamp of an image until its '
    'result has arrived in that other process.',
    "In the model, and besides it: as the node's diagnostics have it.",
)


def node_latency_table(
    title: str, folder: Path, threads: int, methods: Sequence[Method], seconds: float = 20.0
) -> Table:
    """Measure each method but recomputing in a node of its own.

    Args:
        title: of the model.
        folder: a model folder; with graphs of the precisions in which they are measured.
        threads: to compute with.
        methods: in the order of the rows; those on the GPU are not measured without one.
        seconds: to measure each for.

    Raises:
        AfformerError: a measurement failed; so it does without ROS 2.
    """
    has_gpu = torch.cuda.is_available()
    rows: dict[str, list[Cell]] = {}
    for method in (one for one in methods if not one.recomputes):
        if method.on_gpu and not has_gpu:
            rows[method.label] = ['no GPU', *([None] * (len(_COLUMNS) - 1))]
        else:
            figures = _measure(folder, method, threads, seconds)
            rows[method.label] = [figures[key] for key in _COLUMNS.values()]
    return Table(f'{title}, in the node', tuple(_COLUMNS), rows, _NOTES)


def _measure(folder: Path, method: Method, threads: int, seconds: float) -> dict[str, Any]:
    options = ['--threads', str(threads), '--seconds', str(seconds)]
    done = subprocess.run(
        [
            sys.executable, '-m', 'afformer_ros.node_latency',
            str(folder), method.backend, method.precision, *options,
        ],
        env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ['no message'])[-1]
        raise AfformerError(
            f'measuring {method.text} of {folder} in the node ended with status '
            f'{done.returncode}: {last}'
        )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
