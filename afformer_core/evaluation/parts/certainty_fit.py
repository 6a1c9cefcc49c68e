# SPDX-License-Identifier: Apache-2.0
"""Fit of the certainty that a best point lies on the demonstrated part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.errors import AfformerError, DatasetError, how_to_install
from afformer_core.evaluation.parts.part_confidence import answering_threshold
from afformer_core.evaluation.parts.part_scores import PartScores
from afformer_core.evaluation.parts.predictors import CONTACT_AND_PEAK
from afformer_core.reports.bootstrap import area_under_curve
from afformer_core.runtime.matching.certainty import CertaintyCalibration
from afformer_core.runtime.presence import logit


def fit_certainty(
    scores: Sequence[PartScores],
    pairs: Sequence[PartPair],
    annotations: str,
    weights_sha256: str,
) -> CertaintyCalibration:
    """Fit the certainty of a model on pairs of several sources.

    The threshold is the median of those that leaving out one source gives, each chosen so that
    85 % of the answers are right.

    Args:
        scores: of the model on N pairs.
        pairs: the N pairs.
        annotations: names of the datasets of the pairs.
        weights_sha256: hash of the model's weights, in hexadecimal.

    Returns:
        the calibration on all pairs. Its threshold is 1, at which nothing is certain, where no
        other one keeps enough answers right.

    Raises:
        DatasetError: the pairs are of one source, or all right or all wrong; or the contact was
            not read.
    """
    known = [i for i, score in enumerate(scores) if CONTACT_AND_PEAK in score.confidence_scores]
    values = np.array([scores[i].confidence_scores[CONTACT_AND_PEAK] for i in known])
    right = np.array([scores[i].inside == 1 for i in known], bool)
    sources = np.array([pairs[i].source for i in known])
    names = sorted(set(sources.tolist()))
    if len(names) < 2 or right.all() or not right.any():
        raise DatasetError(
            f'certainty cannot be fitted on {len(known)} pairs of {len(names)} sources, '
            f'{int(right.sum())} of them right; expected right and wrong ones of at least two '
            'sources, of a model that reads contacts'
        )
    thresholds = [
        answering_threshold(values[sources != name], right[sources != name]) for name in names
    ]
    slope, intercept = _regression(np.array([logit(value) for value in values]), right)
    calibration = CertaintyCalibration(
        slope,
        intercept,
        1.0,
        area_under_curve(values[right], values[~right]),
        len(known),
        annotations,
        weights_sha256,
    )
    median = sorted(thresholds)[len(thresholds) // 2]
    if median > 1:
        return calibration
    return replace(calibration, threshold=calibration.certainty(1.0, median))


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
