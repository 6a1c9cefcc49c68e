# SPDX-License-Identifier: Apache-2.0
"""Means and medians of a predictor's measures with intervals, and their headings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.evaluation.metrics.scoring import RowScores
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow
from afformer_core.offline.reports.bootstrap import (
    Estimate,
    bootstrap_mean,
    bootstrap_median,
    interval_note,
)


@dataclass(frozen=True)
class Measure:
    """A measure of the heatmaps or the best peaks of rows.

    Attributes:
        name: name of its mean, an attribute of `RowMeasures`.
        title: heading of its column.
        values: function from the scores of N rows to its values, [N].
        least_difference: minimum difference between two models that counts.
    """

    name: str
    title: str
    values: Callable[[RowScores], NDArray[np.float64]]
    least_difference: float = 0.01


MEASURES = (
    # A hundred times the change of the shipped model's KLD by fp16.
    Measure('kld', 'KLD', lambda scores: scores.kld, 0.01),
    Measure('sim', 'SIM', lambda scores: scores.sim, 0.005),
    Measure('auc_j', 'AUC-J', lambda scores: scores.auc_judd, 0.005),
    Measure('hit_rate', 'hit rate', lambda scores: scores.peaks.hit),
    # Percent of the diagonal: half a pixel of an image of 320 x 240.
    Measure('peak_error_mean', 'mean peak error, %', lambda scores: scores.peaks.error, 0.1),
    Measure('peak_inside', 'peak inside', lambda scores: scores.peaks.inside),
    Measure('nearest', 'nearest', lambda scores: scores.peaks.nearest),
)
TITLES = {measure.name: measure.title for measure in MEASURES}
HEATMAP_COLUMNS = {name: TITLES[name] for name in ('kld', 'sim', 'auc_j')}
PEAK_COLUMNS = {
    **{name: TITLES[name] for name in ('hit_rate', 'peak_error_mean')},
    'peak_error_median': 'median peak error, %',
}
ELEMENT_COLUMNS = {name: TITLES[name] for name in ('peak_inside', 'nearest')}

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

    return RowMeasures(
        rows=len(groups),
        peak_error_median=bootstrap_median(scores.peaks.error[taken], groups, seed),
        **{measure.name: mean(measure.values(scores)) for measure in MEASURES},
    )
