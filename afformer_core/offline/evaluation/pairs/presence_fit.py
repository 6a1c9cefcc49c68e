# SPDX-License-Identifier: Apache-2.0
"""Fitting of a model's presence, of its decoder's weight, and of its decoder's certainty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError, DatasetError, how_to_install
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.reports.bootstrap import area_under_curve
from afformer_core.runtime.matching.certainty import DecoderCertainty
from afformer_core.runtime.matching.weighing import LEAST_WEIGHT
from afformer_core.runtime.presence import PresenceCalibration, logit

# A miss costs twice as much as a false detection, so the threshold is at odds of one to two. A
# quantile would depend on the few least certain pairs.
_THRESHOLD = 1 / 3
# Share of the images with the object on which a matching network may outweigh the decoder.
_UNCERTAIN = 0.1
# Minimum number of each kind; fewer say little about the few rejected ones.
_FEWEST = 25


def fit_presence(
    results: Sequence[PairResult], annotations: str, weights_sha256: str
) -> PresenceCalibration:
    """Fit a logistic regression on the features of presence.

    A confidence with a negative coefficient and constant features are excluded.

    Args:
        results: results of a model, with the object in view for their own demonstration and not in
            view for the negative one.
        annotations: names of their annotations, to be stored.
        weights_sha256: SHA-256 of the model, in hexadecimal, to be stored.

    Raises:
        AfformerError: scikit-learn is not installed.
        DatasetError: there are too few pairs with a negative demonstration.
    """
    pairs = [
        (result.presence_features, result.negative_presence_features)
        for result in results
        if result.negative_presence_features is not None
    ]
    if len(pairs) < _FEWEST:
        raise DatasetError(
            f'{annotations} gives {len(pairs)} pairs with a demonstration of another object; a '
            f'calibration needs at least {_FEWEST}'
        )
    own, negative = (
        np.array([features.predictors() for features in shown])
        for shown in zip(*pairs, strict=True)
    )
    features = np.concatenate((own, negative))
    shown = np.repeat((1, 0), len(pairs))
    coefficients, intercept = _regression(features, shown)
    if coefficients[0] < 0:
        without, intercept = _regression(features[:, 1:], shown)
        coefficients = np.concatenate(([0.0], without))
    confidence, feature_similarity = coefficients.tolist()
    return PresenceCalibration(
        confidence,
        feature_similarity,
        intercept,
        threshold=_THRESHOLD,
        auroc=area_under_curve(own @ coefficients, negative @ coefficients),
        pairs=len(pairs),
        annotations=annotations,
        weights_sha256=weights_sha256,
    )


def fit_decoder_certainty(
    results: Sequence[PairResult], annotations: str, weights_sha256: str
) -> DecoderCertainty | None:
    """Fit the certainty of best points where the decoder outweighs the matching network.

    Args:
        results: results of a model, with the object in view for their own demonstration.
        annotations, weights_sha256: see `fit_presence`.

    Returns:
        the calibration; None if fewer than 25 points are of the decoder, or all are right or all
        are wrong.

    Raises:
        AfformerError: scikit-learn is not installed.
    """
    decided = [
        (result.presence_features.confidence, result.is_right)
        for result in results
        if result.presence_features.decoder_weight >= LEAST_WEIGHT
    ]
    right = np.array([is_right for _, is_right in decided], bool)
    if len(decided) < _FEWEST or right.all() or not right.any():
        return None
    odds = np.array([logit(confidence) for confidence, _ in decided])
    (slope,), intercept = _regression(odds[:, None], right.astype(np.intp))
    return DecoderCertainty(
        max(float(slope), 0.0),
        intercept,
        auroc=area_under_curve(odds[right], odds[~right]),
        pairs=len(decided),
        annotations=annotations,
        weights_sha256=weights_sha256,
    )


def even_confidence(results: Sequence[PairResult]) -> float:
    """Compute the confidence at which a decoder and a matching network have the same weight.

    Args:
        results: results of the decoder alone, whose own images show the object.
    """
    confidences = [result.presence_features.confidence for result in results]
    return float(np.quantile(confidences, _UNCERTAIN))


def _regression(
    features: NDArray[np.float64], shown: NDArray[np.intp]
) -> tuple[NDArray[np.float64], float]:
    """Fit coefficients [F] and the intercept of the logarithm of the odds."""
    try:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    except ImportError as error:
        raise AfformerError(
            f'a calibration needs scikit-learn. Run {how_to_install("offline")}'
        ) from error
    # Features of equal scale, so that the weak regularisation affects them equally.
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    regression = LogisticRegression().fit((features - mean) / scale, shown)
    coefficients = np.where(np.ptp(features, axis=0) > 0, regression.coef_[0] / scale, 0.0)
    return coefficients, float(regression.intercept_[0] - coefficients @ mean)
