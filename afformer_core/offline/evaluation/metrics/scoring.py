# SPDX-License-Identifier: Apache-2.0
"""Measures of many predictors over the rows of a protocol, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.offline.evaluation.metrics.metrics import auc_judd, kld, sim
from afformer_core.offline.evaluation.metrics.peak_measures import (
    PeakScores,
    best_positions,
    measure_peaks,
)
from afformer_core.offline.evaluation.protocols.protocols import (
    EvaluationProtocol,
    Heatmaps,
    Predictor,
    ProtocolRow,
)

_CHUNK = 32


@dataclass(frozen=True)
class HeatmapScores:
    """Measures of the heatmaps of one predictor, each [N] in the order of the rows."""

    kld: NDArray[np.float64]
    sim: NDArray[np.float64]
    auc_judd: NDArray[np.float64]


@dataclass(frozen=True)
class RowScores(HeatmapScores):
    """Measures of the heatmaps of one predictor, and of their best peaks."""

    peaks: PeakScores


def score(
    protocol: EvaluationProtocol,
    rows: Sequence[ProtocolRow],
    predictors: Mapping[str, Predictor],
    seed: int = 0,
    *,
    progress: bool = True,
) -> dict[str, RowScores]:
    """Measure every predictor on every row.

    Args:
        protocol: protocol of the ground truths.
        rows: rows of the protocol.
        predictors: predictors by name.
        seed: seed of the jitter in AUC-J; the same for every predictor.
        progress: show a progress bar on stderr.
    """
    scores: dict[str, list[RowScores]] = {name: [] for name in predictors}
    with tqdm(total=len(rows), desc='scoring', unit='row', disable=not progress) as bar:
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            targets = protocol.targets(chunk)
            for name, predictor in predictors.items():
                predicted = np.stack([predictor(start + i, row) for i, row in enumerate(chunk)])
                rng = np.random.default_rng((seed, start))
                heatmaps = measure(predicted, targets, rng, protocol.epsilon)
                positions = list(map(best_positions, predicted, chunk))
                scores[name].append(with_peaks(heatmaps, measure_peaks(chunk, targets, positions)))
            bar.update(len(chunk))
    return {name: concatenate(of_predictor) for name, of_predictor in scores.items()}


def measure(
    predicted: Heatmaps, targets: Heatmaps, rng: np.random.Generator, epsilon: float = 0.0
) -> HeatmapScores:
    """Measure predictions [N, H, W] against ground truths [N, H, W].

    Args:
        predicted: predictions at the protocol's size.
        targets: ground truths from the protocol.
        rng: random numbers of the jitter in AUC-J.
        epsilon: epsilon of the protocol in KLD.
    """
    return HeatmapScores(
        kld(predicted, targets, epsilon),
        sim(predicted, targets),
        auc_judd(predicted, targets, rng),
    )


def with_peaks(heatmaps: HeatmapScores, peaks: PeakScores) -> RowScores:
    """Join measures of the same rows."""
    return RowScores(heatmaps.kld, heatmaps.sim, heatmaps.auc_judd, peaks)


def concatenate(parts: Sequence[RowScores]) -> RowScores:
    """Join measures of consecutive rows."""
    peaks = [part.peaks for part in parts]
    return RowScores(
        np.concatenate([part.kld for part in parts]),
        np.concatenate([part.sim for part in parts]),
        np.concatenate([part.auc_judd for part in parts]),
        PeakScores(*(_joined(peaks, field.name) for field in fields(PeakScores))),
    )


def _joined(parts: Sequence[PeakScores], name: str) -> NDArray[np.float64]:
    return np.concatenate([getattr(part, name) for part in parts])
