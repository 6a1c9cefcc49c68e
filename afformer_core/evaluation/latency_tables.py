# SPDX-License-Identifier: Apache-2.0
"""Latency of a model: everything again for each image, against our cached paths."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.evaluation.arithmetic import image_flops, matrix_rate
from afformer_core.evaluation.latency import METHODS, RECOMPUTE, Latency, measure_in_process
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.weights import save_model

_LABELS = {
    RECOMPUTE: 'recomputing everything',
    'torch': 'afformer, PyTorch',
    'onnxruntime': 'afformer, ONNX Runtime',
}
_COLUMNS = (
    'T',
    'ms / image',
    '95 %',
    'times faster',
    'of matrix rate',
    'ms / demonstration frame',
    'ms to memorize',
    'ms to first use',
    'peak MB',
    'difference',
)
_NOTES = (
    'recomputing everything: for each image all frames are encoded again and the '
    'relative-position bias is materialised for fused attention, as in the released code; same '
    'weights.',
    'afformer: the demonstration was memorized once; ms / image is all of Grounder.ground.',
    'Medians, and the 95th percentile. Peak memory is the whole process, libraries included, each '
    'row in its own. First use: from opening the model until the first heatmap, the demonstration '
    'included.',
    'of matrix rate: the floating-point operations of `ground` in its time, as a share of what a '
    'matrix product of 1024 x 1024 reaches here with as many threads; recomputing does more.',
    'difference: largest difference of the softmaxed heatmap from the first method of the same T, '
    'relative to its maximum.',
)


def random_model(configuration: AfformerConfiguration, folder: Path) -> None:
    """Write a model folder with seeded random weights, relative positions among them."""
    generator = torch.manual_seed(0)
    model = Afformer(configuration)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if 'rel_pos' in name or 'level_embeds' in name:
                parameter.normal_(std=0.1, generator=generator)
    save_model(folder, model, {'weights': 'random'})


def latency_table(
    title: str,
    folder: Path,
    frames: Sequence[int],
    threads: int,
    methods: Sequence[str] = METHODS,
    progress: bool = True,
) -> Table:
    """Measure every method with demonstrations of several lengths.

    Args:
        title: of the table.
        folder: a model folder; with graphs where 'onnxruntime' is measured.
        frames: lengths of the demonstration; those above the model's maximum are left out.
        threads: to compute with.
        methods: among `METHODS`, in the order of the rows.
        progress: show a progress bar on stderr.

    Raises:
        AfformerError: a measurement failed.
    """
    configuration = read_description(folder).configuration
    maximum, rate = configuration.maximum_frames, matrix_rate(threads)
    possible = [length for length in dict.fromkeys(frames) if length <= maximum]
    rows: dict[str, list[Cell]] = {}
    bar = tqdm(total=len(possible) * len(methods), desc=title, disable=not progress)
    with bar, tempfile.TemporaryDirectory() as name:
        for length in possible:
            seconds_at_best = image_flops(configuration, length) / rate
            found: list[tuple[Latency, NDArray[np.float32]]] = []
            for method in methods:
                path = Path(name) / f'{method}_{length}.npy'
                latency = measure_in_process(folder, method, length, threads, path)
                found.append((latency, np.load(path)))
                label = f'{_LABELS[method]}, T = {length}'
                rows[label] = _cells(*found[0], *found[-1], 1e3 * seconds_at_best)
                bar.update()
    left_out = [str(length) for length in frames if length > maximum]
    note = f'The model takes {maximum} frames at most; left out: T = {", ".join(left_out)}.'
    return Table(title, _COLUMNS, rows, (*_NOTES, note) if left_out else _NOTES)


def _cells(
    first: Latency,
    first_heatmap: NDArray[np.float32],
    latency: Latency,
    heatmap: NDArray[np.float32],
    milliseconds_at_best: float,
) -> list[Cell]:
    recomputed = latency.method == RECOMPUTE
    difference = float(np.abs(heatmap - first_heatmap).max() / first_heatmap.max())
    return [
        latency.frames,
        latency.image_milliseconds,
        latency.image_p95_milliseconds,
        first.image_milliseconds / latency.image_milliseconds,
        None if recomputed else milliseconds_at_best / latency.image_milliseconds,
        latency.frame_milliseconds,
        latency.memorize_milliseconds,
        round(latency.first_milliseconds),
        round(latency.peak_megabytes),
        None if latency is first else f'{difference:.1e}',
    ]
