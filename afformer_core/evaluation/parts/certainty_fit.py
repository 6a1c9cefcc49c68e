# SPDX-License-Identifier: Apache-2.0
"""Fit of the certainty of best points, and of the threshold of action scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.errors import AfformerError, DatasetError, how_to_install
from afformer_core.evaluation.parts.part_confidence import (
    scored_actions,
    scored_points,
)
from afformer_core.evaluation.parts.part_scores import PartScores
from afformer_core.evaluation.parts.predictors import RIGHT_PROBABILITY
from afformer_core.reports.bootstrap import area_under_curve
from afformer_core.runtime.matching.certainty import CertaintyCalibration
from afformer_core.runtime.presence import logit


def fit_certainty(
    scores: Sequence[PartScores],
    pairs: Sequence[PartPair],
    annotations: str = '',
    weights_sha256: str = '',
) -> CertaintyCalibration:
    """Fit the certainty of a model on pairs of several sources.

    Both thresholds, of certainty and of the best action's score, are medians over leaving out one
    source, and each is chosen so that 85 % of the answers are right.

    Args:
        scores: scores of the model on N pairs.
        pairs: the N pairs.
        annotations: names of the datasets of the pairs.
        weights_sha256: hash of the model's weights, in hexadecimal.

    Returns:
        the calibration on all pairs. A threshold is 1, which rejects everything, if no other one
        keeps enough answers right.

    Raises:
        DatasetError: the pairs come from one source, are all right or all wrong, or the contact
            was not read.
    """
    points = scored_points(RIGHT_PROBABILITY, scores, pairs)
    values, right = points.values, points.right
    thresholds = points.thresholds()
    if not thresholds or right.all() or not right.any():
        raise DatasetError(
            f'certainty cannot be fitted on {len(values)} pairs of '
            f'{len(set(points.sources.tolist()))} sources, {int(right.sum())} of them right; '
            'expected right and wrong pairs from at least two sources, and a model that reads '
            'contacts'
        )
    slope, intercept = _regression(np.array([logit(value) for value in values]), right)
    calibration = CertaintyCalibration(
        slope,
        intercept,
        threshold=1.0,
        action_threshold=min(1.0, _median(scored_actions(scores, pairs).thresholds())),
        auroc=area_under_curve(values[right], values[~right]),
        pairs=len(values),
        annotations=annotations,
        weights_sha256=weights_sha256,
    )
    median = _median(thresholds)
    if median > 1:
        return calibration
    return replace(calibration, threshold=calibration.certainty(median))


def _median(thresholds: Mapping[str, float]) -> float:
    """Return the upper median of thresholds by source; infinity if there are none."""
    return sorted(thresholds.values())[len(thresholds) // 2] if thresholds else math.inf


def _regression(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Compute slope, at least 0, and intercept of the logarithm of the odds of being right."""
    try:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    except ImportError as error:
        raise AfformerError(
            f'a calibration needs scikit-learn. Run {how_to_install("train")}'
        ) from error
    regression = LogisticRegression().fit(odds[:, None], right)
    slope = max(float(regression.coef_[0, 0]), 0.0)
    return slope, float(regression.intercept_[0])
