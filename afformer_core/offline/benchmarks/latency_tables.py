# SPDX-License-Identifier: Apache-2.0
"""Latency table of a model: recomputation for each image, and cached demonstrations."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.benchmarks.latency import Latency, measure_in_process
from afformer_core.offline.parallel.measured_subprocess import MeasurementError
from afformer_core.offline.reports.tables import Cell, Table
from afformer_core.runtime.model_folder import read_description
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
    progress: bool = True,
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
        progress: True for a progress bar on stderr.
    """
    maximum = read_description(folder).configuration.maximum_frames
    possible = [length for length in dict.fromkeys(frames) if length <= maximum]
    rows: dict[str, dict[str, Cell]] = {}
    bar = tqdm(total=len(possible) * len(variants), desc=title, disable=not progress)
    with bar, tempfile.TemporaryDirectory() as name:
        for length in possible:
            comparison = _Comparison()
            for variant in variants:
                label = f'{variant.label}, T = {length}'
                path = Path(name) / 'heatmap.npy'
                try:
                    if variant in impossible:
                        raise MeasurementError(variant.text, impossible[variant])
                    latency = measure_in_process(folder, variant, length, threads, path)
                except MeasurementError as error:
                    cannot = f'cannot: {error.reason}'
                    nothing = dict.fromkeys(COLUMNS)
                    rows[label] = {**nothing, 'frames': length, 'image_milliseconds': cannot}
                else:
                    relative = comparison.add(variant, latency, np.load(path))
                    rows[label] = {
                        **vars(latency),
                        **vars(relative),
                        'first_milliseconds': round(latency.first_milliseconds),
                        'peak_megabytes': round(latency.peak_megabytes),
                    }
                bar.update()
    left_out = [str(length) for length in frames if length > maximum]
    note = f'The model takes {maximum} frames at most; left out: T = {", ".join(left_out)}.'
    return Table.of(title, COLUMNS, rows, (*_NOTES, note) if left_out else _NOTES)


@dataclass(frozen=True)
class RelativeLatency:
    """Comparison of a variant with others, for the same length of the demonstration.

    Attributes:
        times_faster: speed relative to recomputation on the same device; None if that is not
            measured.
        difference: largest difference of the heatmap from that of the first variant, relative to
            its maximum, as text; None for the first.
    """

    times_faster: float | None
    difference: str | None


class _Comparison:
    """Comparison of the variants that are measured with one length of the demonstration."""

    def __init__(self) -> None:
        self._first_heatmap: NDArray[np.float32] | None = None
        self._recomputing: dict[bool, float] = {}

    def add(
        self, variant: InferenceVariant, latency: Latency, heatmap: NDArray[np.float32]
    ) -> RelativeLatency:
        """Compare the next variant with the earlier ones."""
        difference = None
        if self._first_heatmap is None:
            self._first_heatmap = heatmap
        else:
            largest = np.abs(heatmap - self._first_heatmap).max()
            difference = f'{float(largest / self._first_heatmap.max()):.1e}'
        if variant.recomputes:
            self._recomputing.setdefault(variant.on_gpu, latency.image_milliseconds)
        reference = self._recomputing.get(variant.on_gpu)
        return RelativeLatency(
            times_faster=None if reference is None else reference / latency.image_milliseconds,
            difference=difference,
        )
