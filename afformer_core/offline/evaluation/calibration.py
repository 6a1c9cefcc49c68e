# SPDX-License-Identifier: Apache-2.0
"""Fits of the probabilities that a model reports, and of its decoder's weight.

A calibration stores `annotations`, the names of its datasets, and `weights_sha256`, the hash of
the weights that it belongs to. All fits need scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError, DatasetError, how_to_install
from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.pairs.pair_evaluator import (
    PairResult,
    RunSettings,
    evaluate_pairs,
    open_run,
)
from afformer_core.offline.evaluation.pairs.pairs import Pair
from afformer_core.offline.evaluation.parts.part_measures import scored_actions, scored_points
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.evaluation.parts.predictors import RIGHT_PROBABILITY
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.reports.bootstrap import area_under_curve
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.calibrations import (
    LEAST_WEIGHT,
    CertaintyCalibration,
    DecoderCertainty,
    MatchingSettings,
    PresenceCalibration,
    logit,
)
from afformer_core.runtime.model_folder import (
    DESCRIPTION_FILE,
    MATCHING_FOLDER,
    read_description,
    read_matching,
    read_matching_description,
    write_description,
)

# A miss costs twice as much as a false detection, so the threshold is at odds of one to two. A
# quantile would depend on the few least certain pairs.
_THRESHOLD = 1 / 3
# On pairs with parts, a miss costs 1.5 times as much.
_LEAST_PRESENCE = 0.4
# Share of the images with the object on which a matching network may outweigh the decoder.
_UNCERTAIN = 0.1
# Minimum number of each kind; fewer say little about the few rejected ones.
_FEWEST = 25


def calibrate_on_annotations(
    folder: Path,
    settings: RunSettings,
    datasets: Sequence[Sequence[Pair]],
    annotations: str,
    engine: ParallelEngine,
    open_decoder: Callable[[], ArrayGrounder],
) -> tuple[PresenceCalibration, DecoderCertainty | None]:
    """Fit presence and the decoder's certainty, and write them with the zoom stages.

    A matching network in the subfolder `matching` joins the model.

    Args:
        folder: model folder, whose `model.json` changes.
        settings: settings of the run.
        datasets: pairs of each dataset, at least one.
        engine: engine that grounds the pairs.
        open_decoder: function that opens the model without zoom stages and matching network; other
            processes must be able to import it.
    """
    alone = replace(settings, open_grounder=open_decoder)
    _join_matching(folder, lambda: evaluate_pairs(alone, datasets[0], engine))
    results = [result for pairs in datasets for result in evaluate_pairs(settings, pairs, engine)]
    before = read_description(folder)
    fitted = fit_presence(results, annotations, before.all_weights_sha256)
    decoder = fit_decoder_certainty(results, annotations, before.all_weights_sha256)
    stages = open_run(settings).grounder.zoom_stages
    described = replace(before, calibration=fitted, zoom_stages=stages, decoder_certainty=decoder)
    write_description(folder, described)
    return fitted, decoder


def _join_matching(folder: Path, evaluate_decoder: Callable[[], Sequence[PairResult]]) -> None:
    """Write the matching network of the subfolder to `model.json`, unless it is there."""
    beside = folder / MATCHING_FOLDER
    if not (beside / DESCRIPTION_FILE).is_file():
        return
    weights, before = read_matching_description(beside).weights_sha256, read_description(folder)
    if before.matching is not None and before.matching.weights_sha256 == weights:
        return
    confidence = even_confidence(evaluate_decoder())
    matched = replace(before, matching=MatchingSettings(confidence, weights))
    read_matching(folder, matched)
    write_description(folder, matched)


def calibrate_on_parts(
    folder: Path, scores: Sequence[PartScores], pairs: Sequence[PartPair], names: str
) -> tuple[CertaintyCalibration, PresenceCalibration | None]:
    """Fit certainty, the action threshold and, with a matching network, presence; write them.

    Args:
        folder: model folder, whose `model.json` changes.
        scores: scores of the model on N pairs.
        pairs: the N pairs.
    """
    before = read_description(folder)
    certainty = fit_certainty(scores, pairs, names, before.all_weights_sha256)
    after, presence = replace(before, certainty=certainty), None
    if before.matching is not None:
        presence = fit_similarity(scores, names, before.all_weights_sha256)
        after = replace(after, calibration=presence)
    write_description(folder, after)
    return certainty, presence


def fit_presence(
    results: Sequence[PairResult], annotations: str, weights_sha256: str
) -> PresenceCalibration:
    """Fit a logistic regression on the features of presence.

    A confidence with a negative coefficient and constant features are excluded.

    Args:
        results: results of a model, with the object in view for their own demonstration and not in
            view for the negative one.

    Raises:
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
    coefficients, intercept = _scaled_regression(features, shown)
    if coefficients[0] < 0:
        without, intercept = _scaled_regression(features[:, 1:], shown)
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

    Returns:
        the calibration; None if fewer than 25 points are of the decoder, or all are right or all
        are wrong.
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
    (slope,), intercept = _scaled_regression(odds[:, None], right.astype(np.intp))
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
    slope, intercept = _slope(np.array([logit(value) for value in values]), right)
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

    Returns:
        the calibration, for which pairs with and without the element are equally frequent.

    Raises:
        DatasetError: there is no pair, or no pair with another video.
    """
    own = [score['presence_score'] for score in scores]
    other = [score[f'{kind}_presence_score'] for score in scores for kind in ('other', 'nearby')]
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
    slope, intercept = _slope((values - mean) / scale, present, 'balanced')
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


def _scaled_regression(
    features: NDArray[np.float64], shown: NDArray[np.intp]
) -> tuple[NDArray[np.float64], float]:
    """Fit coefficients [F] and the intercept of the logarithm of the odds."""
    # Features of equal scale, so that the weak regularisation affects them equally.
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    slopes, intercept = _regression((features - mean) / scale, shown)
    coefficients = np.where(np.ptp(features, axis=0) > 0, slopes / scale, 0.0)
    return coefficients, float(intercept - coefficients @ mean)


def _regression(
    features: NDArray[np.float64], right: NDArray[Any], class_weight: str | None = None
) -> tuple[NDArray[np.float64], float]:
    """Fit coefficients [F] and the intercept of a logistic regression."""
    try:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    except ImportError as error:
        raise AfformerError(
            f'a calibration needs scikit-learn. Run {how_to_install("offline")}'
        ) from error
    regression = LogisticRegression(class_weight=class_weight).fit(features, right)
    return regression.coef_[0], float(regression.intercept_[0])


def _slope(
    values: NDArray[np.float64], right: NDArray[np.bool_], class_weight: str | None = None
) -> tuple[float, float]:
    """Compute slope, at least 0, and intercept of the logarithm of the odds of being right."""
    (slope,), intercept = _regression(values[:, None], right, class_weight)
    return max(float(slope), 0.0), intercept
