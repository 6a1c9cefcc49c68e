# SPDX-License-Identifier: Apache-2.0
"""Heatmap measures of many predictors over the rows of a protocol, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.evaluation.metrics import auc_judd, kld, sim
from afformer_core.evaluation.priors import Predictor
from afformer_core.evaluation.protocols import EvaluationProtocol, Heatmaps, Row

_CHUNK = 32


@dataclass(frozen=True)
class RowScores:
    """Measures of one predictor, each [N] in the order of the rows."""

    kld: NDArray[np.float64]
    sim: NDArray[np.float64]
    auc_judd: NDArray[np.float64]


def score(
    protocol: EvaluationProtocol,
    rows: Sequence[Row],
    predictors: Mapping[str, Predictor],
    seed: int = 0,
    progress: bool = True,
) -> dict[str, RowScores]:
    """Measure every predictor on every row.

    Args:
        protocol: makes the ground truths.
        rows: of the protocol.
        predictors: by name.
        seed: of the jitter in AUC-J; the same for every predictor.
        progress: show a progress bar on stderr.
    """
    generators = {name: np.random.default_rng(seed) for name in predictors}
    parts: dict[str, list[RowScores]] = {name: [] for name in predictors}
    with tqdm(total=len(rows), desc='scoring', unit='row', disable=not progress) as bar:
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            truths = protocol.truths(chunk)
            for name, predictor in predictors.items():
                predicted = np.stack([predictor(start + i, row) for i, row in enumerate(chunk)])
                parts[name].append(measure(predicted, truths, generators[name]))
            bar.update(len(chunk))
    return {name: concatenate(each) for name, each in parts.items()}


def measure(predicted: Heatmaps, truths: Heatmaps, generator: np.random.Generator) -> RowScores:
    """Measures of predictions [N, H, W] against ground truths [N, H, W].

    Args:
        predicted: at the protocol's size.
        truths: from the protocol.
        generator: of the jitter in AUC-J.
    """
    return RowScores(
        kld(predicted, truths), sim(predicted, truths), auc_judd(predicted, truths, generator)
    )


def concatenate(parts: Sequence[RowScores]) -> RowScores:
    """Measures of consecutive rows as one."""
    return RowScores(
        np.concatenate([part.kld for part in parts]),
        np.concatenate([part.sim for part in parts]),
        np.concatenate([part.auc_judd for part in parts]),
    )
