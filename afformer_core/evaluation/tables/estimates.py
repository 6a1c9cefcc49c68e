# SPDX-License-Identifier: Apache-2.0
"""Means and medians of a predictor's measures with intervals, and their headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.evaluation.metrics.scoring import RowScores
from afformer_core.evaluation.protocols.protocols import ProtocolRow
from afformer_core.reports.bootstrap import (
    Estimate,
    bootstrap_mean,
    bootstrap_median,
    interval_note,
)

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
    "annotated point, in percent of the image's diagonal. For a predictor with several equal "
    'maxima, the value is the mean over them.'
)
INTERVAL_NOTE = interval_note('scenes (images if the data names none)')


@dataclass(frozen=True)
class RowMeasures:
    """Measures of a predictor on rows; None if they are not measured.

    Attributes:
        rows: number of rows.
        kld: Kullback-Leibler divergence, mean.
        sim: similarity, mean.
        auc_j: area under Judd's curve, mean.
        hit_rate: share of best peaks in the annotated region.
        peak_error_mean, peak_error_median: distance from the best peak to the nearest annotated
            point, in percent of the image's diagonal.
        peak_inside: share of best peaks inside the demonstrated element.
        nearest: share of best peaks whose nearest element is the demonstrated one.
    """

    rows: int
    kld: Estimate | None = None
    sim: Estimate | None = None
    auc_j: Estimate | None = None
    hit_rate: Estimate | None = None
    peak_error_mean: Estimate | None = None
    peak_error_median: Estimate | None = None
    peak_inside: Estimate | float | None = None
    nearest: Estimate | float | None = None


@dataclass(frozen=True)
class PredictorMeasures(RowMeasures):
    """Measures of a predictor on rows, including actions and chosen buttons.

    Attributes:
        top_1: share of the annotated actions among as many best-scored ones.
        balanced_accuracy: mean over the actions of the share of rows with the best score for the
            right action.
        which_button: share of rows whose chosen button is the demonstrated one.
        which_button_above_chance: the same minus the accuracy of a random button.
    """

    top_1: Estimate | None = None
    balanced_accuracy: Estimate | None = None
    which_button: Estimate | float | None = None
    which_button_above_chance: Estimate | None = None


def estimate(
    scores: RowScores,
    rows: Sequence[ProtocolRow],
    seed: int = 0,
    chosen: NDArray[np.bool_] | None = None,
) -> RowMeasures:
    """Estimate the measures of rows.

    Args:
        scores: scores of N rows.
        rows: the N rows.
        seed: seed of the bootstrap.
        chosen: [N] the rows that count; None: all.
    """
    taken = np.ones(len(rows), bool) if chosen is None else chosen
    groups = [row.group for row, is_taken in zip(rows, taken, strict=True) if is_taken]

    def mean(values: NDArray[Any]) -> Estimate | None:
        return bootstrap_mean(values[taken], groups, seed)

    peaks = scores.peaks
    return RowMeasures(
        rows=len(groups),
        kld=mean(scores.kld),
        sim=mean(scores.sim),
        auc_j=mean(scores.auc_judd),
        hit_rate=mean(peaks.hit),
        peak_error_mean=mean(peaks.error),
        peak_error_median=bootstrap_median(peaks.error[taken], groups, seed),
        peak_inside=mean(peaks.inside),
        nearest=mean(peaks.nearest),
    )
