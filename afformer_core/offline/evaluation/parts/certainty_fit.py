# SPDX-License-Identifier: Apache-2.0
"""Fit of certainty, of the threshold of action scores, and of presence, on pairs with parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError, DatasetError, how_to_install
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.part_confidence import (
    scored_actions,
    scored_points,
)
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.evaluation.parts.predictors import RIGHT_PROBABILITY
from afformer_core.offline.reports.bootstrap import area_under_curve
from afformer_core.runtime.matching.certainty import CertaintyCalibration
from afformer_core.runtime.presence import PresenceCalibration, logit

# A miss costs 1.5 times as much as a false detection.
_LEAST_PRESENCE = 0.4


def fit_certainty(
    scores: Sequence[PartScores],
    pairs: Sequence[PartPair],
    annotations: str = '',
    weights_sha256: str = '',
) -> CertaintyCalibration:
    """Fit the certainty of a model on pairs of several sources.

    Both thresholds, of certainty and of the best action's score, are medians over leaving out one
    source, and each is chosen so that `RIGHT_SHARE` of the answers are right.

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


def fit_similarity(
    scores: Sequence[PartScores], annotations: str = '', weights_sha256: str = ''
) -> PresenceCalibration:
    """Fit the presence of a model with a matching network by its feature similarity alone.

    Args:
        scores: scores of the model on N pairs, with videos of other places and of other things.
        annotations, weights_sha256: see `fit_certainty`.

    Returns:
        the calibration, for which pairs with and without the element are equally frequent.

    Raises:
        DatasetError: there is no pair, or no pair with another video.
    """
    own = [score.presence_score for score in scores]
    other = [
        similarity
        for score in scores
        for similarity in (score.other_presence_score, score.nearby_presence_score)
    ]
    shown, absent = (
        np.array([value for value in values if value is not None]) for values in (own, other)
    )
    if not len(shown) or not len(absent):
        raise DatasetError(
            f'presence cannot be fitted on {len(shown)} pairs and {len(absent)} other videos; '
            'expected at least one of both'
        )
    values = np.concatenate((shown, absent))
    present = np.arange(len(values)) < len(shown)
    # Features of unit scale, so that the regularisation is weak.
    mean, scale = float(values.mean()), float(values.std()) + 1e-9
    slope, intercept = _regression((values - mean) / scale, present, 'balanced')
    return PresenceCalibration(
        confidence=0.0,
        feature_similarity=slope / scale,
        intercept=intercept - slope * mean / scale,
        threshold=_LEAST_PRESENCE,
        auroc=area_under_curve(shown, absent),
        pairs=len(shown),
        annotations=annotations,
        weights_sha256=weights_sha256,
    )


def _median(thresholds: Mapping[str, float]) -> float:
    """Return the upper median of thresholds by source; infinity if there are none."""
    return sorted(thresholds.values())[len(thresholds) // 2] if thresholds else math.inf


def _regression(
    values: NDArray[np.float64], right: NDArray[np.bool_], class_weight: str | None = None
) -> tuple[float, float]:
    """Compute slope, at least 0, and intercept of the logarithm of the odds of being right."""
    try:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    except ImportError as error:
        raise AfformerError(
            f'a calibration needs scikit-learn. Run {how_to_install("offline")}'
        ) from error
    regression = LogisticRegression(class_weight=class_weight).fit(values[:, None], right)
    slope = max(float(regression.coef_[0, 0]), 0.0)
    return slope, float(regression.intercept_[0])
