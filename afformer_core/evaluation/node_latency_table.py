# SPDX-License-Identifier: Apache-2.0
"""Latency of a model in the grounding node, from camera image to result over DDS.

ROS stays outside of this package: the node is measured by a module of its own process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from afformer_core.evaluation.methods import Method
from afformer_core.evaluation.own_process import MeasurementError, run_measurement
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
    title: str,
    folder: Path,
    threads: int,
    methods: Sequence[Method],
    impossible: Mapping[Method, str],
    seconds: float = 20.0,
) -> Table:
    """Measure each method but recomputing in a node of its own.

    The row of one that cannot be measured says why; so do all without ROS 2.

    Args:
        title: of the model.
        folder: a model folder; with graphs of the precisions in which they are measured.
        threads: to compute with.
        methods: in the order of the rows.
        impossible: why some of them need not be tried.
        seconds: to measure each for.
    """
    rows: dict[str, list[Cell]] = {}
    for method in (one for one in methods if not one.recomputes):
        try:
            if method in impossible:
                raise MeasurementError(method.text, impossible[method])
            rows[method.label] = _measure(folder, method, threads, seconds)
        except MeasurementError as error:
            cannot = f'cannot: {error.reason}'
            rows[method.label] = [cannot, *([None] * (len(_COLUMNS) - 1))]
    return Table(f'{title}, in the node', tuple(_COLUMNS), rows, _NOTES)


def _measure(folder: Path, method: Method, threads: int, seconds: float) -> list[Cell]:
    options = ['--threads', str(threads), '--seconds', str(seconds)]
    figures = run_measurement(
        'afformer_ros.node_latency',
        [str(folder), method.backend, method.precision, *options],
        threads,
        f'{method.text} of {folder} in the node',
    )
    return [figures[key] for key in _COLUMNS.values()]
