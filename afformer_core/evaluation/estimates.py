# SPDX-License-Identifier: Apache-2.0
"""Measures of rows as means and medians with their intervals, and what tables call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.evaluation.bootstrap import Estimate, bootstrap_mean, bootstrap_median
from afformer_core.evaluation.protocols import Row
from afformer_core.evaluation.scoring import RowScores

Estimates = dict[str, Estimate | None]

HEATMAP_COLUMNS = {'kld': 'KLD', 'sim': 'SIM', 'auc_j': 'AUC-J'}
PEAK_COLUMNS = {
    'hit_rate': 'hit rate',
    'peak_error_mean': 'mean peak error, %',
    'peak_error_median': 'median peak error, %',
}
ELEMENT_COLUMNS = {'peak_inside': 'peak inside', 'nearest': 'nearest'}

PEAK_NOTE = (
    'hit rate: share of best peaks in the annotated region, where the ground truth is above half '
    'of its maximum (the positives of AUC-J). peak error: from the best peak to the nearest '
    "annotated point, in percent of the image's diagonal. A predictor that is flat on top is "
    'given what a guess there would get on average.'
)
INTERVAL_NOTE = (
    'Intervals: 95 %, bootstrapped over appliances (images, where the data names none).'
)


def estimate(
    scores: RowScores,
    rows: Sequence[Row],
    seed: int = 0,
    chosen: NDArray[np.bool_] | None = None,
) -> Estimates:
    """Estimates by the keys of `HEATMAP_COLUMNS`, `PEAK_COLUMNS` and `ELEMENT_COLUMNS`.

    Args:
        scores: of N rows.
        rows: the N rows.
        seed: of the bootstrap.
        chosen: [N] the rows that count; None: all.
    """
    taken = np.ones(len(rows), bool) if chosen is None else chosen
    groups = [row.group for row, one in zip(rows, taken, strict=True) if one]

    def mean(values: NDArray[Any]) -> Estimate | None:
        return bootstrap_mean(values[taken], groups, seed)

    peaks = scores.peaks
    return {
        'kld': mean(scores.kld),
        'sim': mean(scores.sim),
        'auc_j': mean(scores.auc_judd),
        'hit_rate': mean(peaks.hit),
        'peak_error_mean': mean(peaks.error),
        'peak_error_median': bootstrap_median(peaks.error[taken], groups, seed),
        'peak_inside': mean(peaks.inside),
        'nearest': mean(peaks.nearest),
    }
