# SPDX-License-Identifier: Apache-2.0
"""Fit of the certainty that a best point lies on the demonstrated part."""

from __future__ import annotations

from collections.abc import Sequence

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

    The threshold and the area under the curve are those of certainties that were computed for the
    pairs of each source by a regression on the other sources.

    Args:
        scores: of the model on N pairs.
        pairs: the N pairs.
        annotations: names of the datasets of the pairs.
        weights_sha256: hash of the model's weights, in hexadecimal.

    Returns:
        the calibration on all pairs. Its threshold is 1, at which nothing is certain, where none
        keeps 85 % of the answers right.

    Raises:
        DatasetError: the pairs are of one source, or all right or all wrong; or the contact was
            not read.
    """
    known = [i for i, score in enumerate(scores) if CONTACT_AND_PEAK in score.confidence_scores]
    odds = np.array([logit(scores[i].confidence_scores[CONTACT_AND_PEAK]) for i in known])
    right = np.array([scores[i].inside == 1 for i in known], bool)
    sources = np.array([pairs[i].source for i in known])
    if len(set(sources.tolist())) < 2 or right.all() or not right.any():
        raise DatasetError(
            f'certainty cannot be fitted on {len(known)} pairs of {len(set(sources.tolist()))} '
            f'sources, {int(right.sum())} of them right; expected right and wrong ones of at '
            'least two sources, of a model that reads contacts'
        )
    certainties = np.zeros(len(known))
    for source in set(sources.tolist()):
        own = sources == source
        if right[~own].all() or not right[~own].any():
            raise DatasetError(
                f'without the source {source} all points are alike; expected right and wrong ones'
            )
        slope, intercept = _regression(odds[~own], right[~own])
        certainties[own] = 1 / (1 + np.exp(-(slope * odds[own] + intercept)))
    slope, intercept = _regression(odds, right)
    return CertaintyCalibration(
        slope,
        intercept,
        min(answering_threshold(certainties, right), 1.0),
        area_under_curve(certainties[right], certainties[~right]),
        len(known),
        annotations,
        weights_sha256,
    )


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
