# SPDX-License-Identifier: Apache-2.0
"""Measures of many predictors over the rows of a protocol, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.evaluation.metrics.metrics import auc_judd, kld, sim
from afformer_core.evaluation.metrics.peak_measures import (
    PeakScores,
    best_positions,
    measure_peaks,
)
from afformer_core.evaluation.protocols.protocols import (
    EvaluationProtocol,
    Heatmaps,
    Predictor,
    ProtocolRow,
)
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS

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


@dataclass(frozen=True)
class _Scoring:
    """The inputs with which a process can measure any chunk of the rows."""

    protocol: EvaluationProtocol
    rows: Sequence[ProtocolRow]
    predictors: Mapping[str, Predictor]
    seed: int

    def chunk(self, start: int) -> dict[str, RowScores]:
        """Measure the rows from `start` on; the result does not depend on the process."""
        rows = self.rows[start : start + _CHUNK]
        targets = self.protocol.targets(rows)
        scores = {}
        for name, predictor in self.predictors.items():
            predicted = np.stack([predictor(start + i, row) for i, row in enumerate(rows)])
            rng = np.random.default_rng((self.seed, start))
            heatmaps = measure(predicted, targets, rng, self.protocol.epsilon)
            positions = [
                best_positions(*heatmap_and_row)
                for heatmap_and_row in zip(predicted, rows, strict=True)
            ]
            scores[name] = with_peaks(heatmaps, measure_peaks(rows, targets, positions))
        return scores


def score(
    protocol: EvaluationProtocol,
    rows: Sequence[ProtocolRow],
    predictors: Mapping[str, Predictor],
    seed: int = 0,
    *,
    progress: bool = True,
    engine: ParallelEngine = ONE_PROCESS,
) -> dict[str, RowScores]:
    """Measure every predictor on every row.

    Args:
        protocol: protocol of the ground truths.
        rows: rows of the protocol.
        predictors: predictors by name; other processes must be able to import them.
        seed: seed of the jitter in AUC-J; the same for every predictor.
        progress: show a progress bar on stderr.
        engine: engine that measures the rows; the results do not depend on the number of
            processes.
    """
    scoring = _Scoring(protocol, rows, predictors, seed)
    starts = range(0, len(rows), _CHUNK)
    chunks: dict[int, dict[str, RowScores]] = {}
    with tqdm(total=len(rows), desc='scoring', unit='row', disable=not progress) as bar:
        for result in engine.map(partial(_open_scorer, scoring), starts):
            chunks[result.part] = result.get()
            bar.update(min(_CHUNK, len(rows) - result.part))
    return {name: concatenate([chunks[start][name] for start in starts]) for name in predictors}


def _open_scorer(scoring: _Scoring) -> Callable[[int], dict[str, RowScores]]:
    return scoring.chunk


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
