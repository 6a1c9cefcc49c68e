# SPDX-License-Identifier: Apache-2.0
"""Results with a protocol that pools all demonstrations of an image and an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import RowScores, concatenate, score_rows
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.protocols import Heatmaps, PooledProtocol, ProtocolRow

MEAN_HEATMAP = 'mean_heatmap'


@dataclass(frozen=True)
class PooledRows:
    """The rows of an image and an action, and the results of a model.

    Attributes:
        protocol: protocol of the rows.
        rows: N rows, at least one.
        scores: scores of the rows.
        single_scores: scores of single demonstrations against the ground truth of their row; the
            mean over the demonstrations of each row.
        pooling: `combination` of several demonstrations in a row, `mean_heatmap`; and the numbers
            of `rows` with at least one grounded demonstration, of other rows of the dataset
            (`rows_without_demonstration`), which are not measured, of `demonstrations` of all rows
            together, and the largest number in a row (`demonstrations_of_a_row_most`).
    """

    protocol: PooledProtocol
    rows: tuple[ProtocolRow, ...]
    scores: RowScores
    single_scores: RowScores
    pooling: dict[str, str | int]


def pool(
    results: Sequence[PairResult],
    samples: Sequence[Sample],
    protocol: PooledProtocol,
    seed: int = 0,
) -> PooledRows:
    """Combine the results of a model for all demonstrations of an image and an action.

    Args:
        results: results of the model, with their heatmaps.
        samples: samples of the whole dataset, whose points all count, even if they were not
            grounded.
        protocol: protocol of the pooled rows.
        seed: seed of the jitter in AUC-J.

    Raises:
        DatasetError: no row has a grounded demonstration.
    """
    drawn: dict[tuple[str, int], list[Heatmaps]] = {}
    for result in results:
        assert result.heatmaps is not None
        for row, heatmap in zip(result.rows, result.heatmaps, strict=True):
            drawn.setdefault((row.image, row.action), []).append(heatmap)
    every = protocol.rows(samples)
    rows = tuple(row for row in every if (row.image, row.action) in drawn)
    if not rows:
        raise DatasetError(
            f'no row of the protocol {protocol.name} has a demonstration that was grounded; check '
            'that the annotations have points inside the images'
        )
    targets = protocol.targets(rows)
    by_row = [np.stack(drawn[row.image, row.action]) for row in rows]
    heatmaps = np.stack([maps.mean(axis=0) for maps in by_row])
    together = zip(rows, by_row, targets, strict=True)
    bar = tqdm(together, 'pooling', len(rows), unit='row')
    singles = [
        _mean(_scored(protocol, [row] * len(maps), maps, target, (seed, number)))
        for number, (row, maps, target) in enumerate(bar)
    ]
    counts = [len(maps) for maps in by_row]
    return PooledRows(
        protocol,
        rows,
        _scored(protocol, rows, heatmaps, targets, (seed, len(rows))),
        concatenate(singles),
        {
            'combination': MEAN_HEATMAP,
            'rows': len(rows),
            'rows_without_demonstration': len(every) - len(rows),
            'demonstrations': sum(counts),
            'demonstrations_of_a_row_most': max(counts),
        },
    )


def _scored(
    protocol: PooledProtocol,
    rows: Sequence[ProtocolRow],
    heatmaps: Heatmaps,
    targets: Heatmaps,
    seed: tuple[int, int],
) -> RowScores:
    """Score rows against ground truths [N, 28, 28], or against a shared one [28, 28]."""
    expected = np.broadcast_to(targets, heatmaps.shape)
    return score_rows(protocol, rows, heatmaps, expected, np.random.default_rng(seed))


def _mean(scores: RowScores) -> RowScores:
    """Compute the mean over all rows, as the scores of one row."""
    return {name: values.mean(axis=0, keepdims=True) for name, values in scores.items()}
