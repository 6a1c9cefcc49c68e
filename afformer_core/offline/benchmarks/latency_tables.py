# SPDX-License-Identifier: Apache-2.0
"""Latency of a model: recomputed, with cached demonstrations, and in the grounding node.

ROS stays outside this package: the node is measured by a module in its own process.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.benchmarks.latency import measure_in_process
from afformer_core.offline.parallel.measured_subprocess import MeasurementError, run_measurement
from afformer_core.offline.reports.tables import Cell, Table
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import network_folders, read_description
from afformer_core.runtime.weights import save_model

COLUMNS = {
    'frames': 'T',
    'image_milliseconds': 'ms / image',
    'image_p95_milliseconds': '95 %',
    'times_faster': 'times faster',
    'frame_milliseconds': 'ms / demonstration frame',
    'memorize_milliseconds': 'ms to memorize',
    'first_milliseconds': 'ms to first use',
    'peak_megabytes': 'peak MB',
    'difference': 'difference',
}
_NOTES = (
    'recomputing everything: for each image, all frames are encoded again and the '
    'relative-position bias is materialised for fused attention, like in the released code, '
    'with the same weights. In fp16, autocast casts the weights again for each image.',
    'afformer: the demonstration was memorized once; ms / image is the time of grounding with '
    'one zoom stage. Each further zoom stage takes the same time again.',
    'Medians, and the 95th percentile. Peak memory is that of the whole process, including '
    'libraries; each row has its own process. On the GPU, it is the peak reserved by PyTorch '
    'plus the memory of TensorRT and kernels, without the CUDA context of some hundred MB for '
    'each process. On a Jetson, which has one memory for everything, it includes memory that '
    'other processes allocated meanwhile.',
    'First use: from opening the model until the first heatmap, including the demonstration, and '
    'the compilation of engines that are not in the cache.',
    'times faster: speed relative to recomputing everything on the same device.',
    'difference: largest difference of the softmaxed heatmap from the first variant of the same '
    'T, relative to its maximum.',
)


_NODE_MODULE = 'afformer_ros.driver.node_latency'
NODE_COLUMNS = {
    'images_per_second': 'images / s',
    'milliseconds': 'ms end to end',
    'p95_milliseconds': '95 %',
    'ground_p50': 'ms in the model',
    'overhead_p50': 'ms besides it',
    'overhead_p95': 'its 95 %',
}
_NODE_NOTES = (
    'Images of noise, 640x480 at 30 Hz, are published by another process; of the images that '
    'arrive while one is grounded, the newest is next. End to end: from the stamp of an image '
    'until its result arrives in that other process.',
    'In the model, and besides it: from the diagnostics of the node.',
)


def random_model(configuration: AfformerConfiguration, folder: Path) -> None:
    """Write a model folder with seeded random weights, relative positions included."""
    rng = torch.manual_seed(0)
    model = Afformer(configuration)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if 'rel_pos' in name or 'level_embeds' in name:
                parameter.normal_(std=0.1, generator=rng)
    save_model(folder, model, {'weights': 'random'})


def latency_table(
    title: str,
    folder: Path,
    frames: Sequence[int],
    threads: int,
    variants: Sequence[InferenceVariant],
    impossible: Mapping[InferenceVariant, str],
) -> Table:
    """Measure every variant with demonstrations of several lengths.

    The row of a variant that cannot be measured gives the reason.

    Args:
        title: title of the table.
        folder: model folder, with graphs of the precisions that are measured.
        frames: lengths of the demonstration; those above the model's maximum are ignored.
        threads: number of threads.
        variants: variants in the order of the rows.
        impossible: reasons why some of them need not be tried.
    """
    maximum = read_description(folder).configuration.maximum_frames
    possible = [length for length in dict.fromkeys(frames) if length <= maximum]
    rows: dict[str, dict[str, Cell]] = {}
    bar = tqdm(total=len(possible) * len(variants), desc=title)
    with bar, tempfile.TemporaryDirectory() as name:
        path = Path(name) / 'heatmap.npy'
        for length in possible:
            first: NDArray[np.float32] | None = None
            recomputing: dict[bool, float] = {}
            for variant in variants:
                row: dict[str, Cell] = {**dict.fromkeys(COLUMNS), 'frames': length}
                try:
                    if variant in impossible:
                        raise MeasurementError(variant.text, impossible[variant])
                    latency = measure_in_process(folder, variant, length, threads, path)
                except MeasurementError as error:
                    row['image_milliseconds'] = f'cannot: {error.reason}'
                else:
                    row |= latency
                    image = latency['image_milliseconds']
                    if variant.recomputes:
                        recomputing.setdefault(variant.on_gpu, image)
                    if variant.on_gpu in recomputing:
                        row['times_faster'] = recomputing[variant.on_gpu] / image
                    for rounded in ('first_milliseconds', 'peak_megabytes'):
                        row[rounded] = round(latency[rounded])
                    heatmap = np.load(path)
                    if first is not None:
                        largest = np.abs(heatmap - first).max() / first.max()
                        row['difference'] = f'{float(largest):.1e}'
                    first = heatmap if first is None else first
                rows[f'{variant.label}, T = {length}'] = row
                bar.update()
    left_out = [str(length) for length in frames if length > maximum]
    note = f'The model takes {maximum} frames at most; left out: T = {", ".join(left_out)}.'
    return Table.of(title, COLUMNS, rows, (*_NOTES, note) if left_out else _NOTES)


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
        seconds: duration of each measurement.
        title, folder, threads, variants, impossible: see `latency_table`.
    """
    rows: dict[str, dict[str, Cell]] = {}
    for variant in (candidate for candidate in variants if not candidate.recomputes):
        options = ['--threads', str(threads), '--seconds', str(seconds)]
        words = [str(folder), variant.backend, variant.precision, *options]
        what = f'{variant.text} of {folder} in the node'
        try:
            if variant in impossible:
                raise MeasurementError(variant.text, impossible[variant])
            rows[variant.label] = run_measurement(_NODE_MODULE, words, threads, what)
        except MeasurementError as error:
            nothing = dict.fromkeys(NODE_COLUMNS)
            rows[variant.label] = {**nothing, 'images_per_second': f'cannot: {error.reason}'}
    return Table.of(f'{title}, in the node', NODE_COLUMNS, rows, _NODE_NOTES)


def copy_with_graphs(
    folder: Path, copy: Path, variants: Sequence[InferenceVariant]
) -> dict[InferenceVariant, str]:
    """Copy a model folder with its graphs, and export missing graphs that the variants need.

    Args:
        folder: model folder; it is only read.
        copy: the new folder.
        variants: variants that will be measured.

    Returns:
        reasons why variants cannot be measured; the others may be tried.

    Raises:
        ModelFolderError: the folder does not contain a valid model.
    """
    networks = [copy / network.relative_to(folder) for network in network_folders(folder)]
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns('checkpoints', 'tensorboard'))
    has_gpu = torch.cuda.is_available()
    impossible = {variant: 'no GPU' for variant in variants if variant.on_gpu and not has_gpu}
    measured = [
        variant for variant in variants if variant.needs_graphs and variant not in impossible
    ]
    for precision in sorted({variant.precision_of_graphs for variant in measured}):
        try:
            for network in networks:
                _require_graphs(network, precision)
        except (AfformerError, ValueError) as error:
            impossible |= {
                variant: str(error)
                for variant in measured
                if variant.precision_of_graphs == precision
            }
    return impossible


def _require_graphs(folder: Path, precision: str) -> None:
    try:
        read_graphs(folder, precision)
    except ModelFolderError:
        from afformer_core.runtime.export.export import export_graphs

        export_graphs(folder, precision)
