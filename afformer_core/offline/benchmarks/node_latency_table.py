# SPDX-License-Identifier: Apache-2.0
"""Latency of a model in the grounding node, from camera image to result over DDS.

ROS stays outside this package: the node is measured by a module in its own process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.parallel.measured_subprocess import MeasurementError, run_measurement
from afformer_core.offline.reports.tables import Cell, Table

COLUMNS = {
    'images_per_second': 'images / s',
    'milliseconds': 'ms end to end',
    'p95_milliseconds': '95 %',
    'ground_p50': 'ms in the model',
    'overhead_p50': 'ms besides it',
    'overhead_p95': 'its 95 %',
}
_NOTES = (
    'Images of noise, 640x480 at 30 Hz, are published by another process; of the images that '
    'arrive while one is grounded, the newest is next. End to end: from the stamp of an image '
    'until its result arrives in that other process.',
    'In the model, and besides it: from the diagnostics of the node.',
)


def node_latency_table(
    title: str,
    folder: Path,
    threads: int,
    variants: Sequence[InferenceVariant],
    impossible: Mapping[InferenceVariant, str],
    seconds: float = 20.0,
) -> Table:
    """Measure each variant, except recomputation, in a separate node.

    The row of a variant that cannot be measured gives the reason; so do all rows without ROS 2.

    Args:
        title: title of the model.
        folder: model folder, with graphs of the precisions that are measured.
        threads: number of threads.
        variants: variants in the order of the rows.
        impossible: reasons why some of them need not be tried.
        seconds: duration of each measurement.
    """
    rows: dict[str, dict[str, Cell]] = {}
    for variant in (candidate for candidate in variants if not candidate.recomputes):
        try:
            if variant in impossible:
                raise MeasurementError(variant.text, impossible[variant])
            rows[variant.label] = _measure(folder, variant, threads, seconds)
        except MeasurementError as error:
            nothing = dict.fromkeys(COLUMNS)
            rows[variant.label] = {**nothing, 'images_per_second': f'cannot: {error.reason}'}
    return Table.of(f'{title}, in the node', COLUMNS, rows, _NOTES)


def _measure(
    folder: Path, variant: InferenceVariant, threads: int, seconds: float
) -> dict[str, Cell]:
    options = ['--threads', str(threads), '--seconds', str(seconds)]
    return run_measurement(
        'afformer_ros.driver.node_latency',
        [str(folder), variant.backend, variant.precision, *options],
        threads,
        f'{variant.text} of {folder} in the node',
    )
