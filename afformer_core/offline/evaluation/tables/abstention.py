# SPDX-License-Identifier: Apache-2.0
"""Abstention: how often a model finds elements in view, and absent ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_area, bootstrap_mean
from afformer_core.offline.reports.tables import Table
from afformer_core.runtime.presence import PresenceCalibration, PresenceFeatures
from afformer_core.stream.settings import StreamSettings

ABSTENTION_COLUMNS = {
    'pairs': 'pairs',
    'found': 'found',
    'median_confidence': 'median confidence',
    'median_feature_similarity': 'median feature similarity',
}


@dataclass(frozen=True)
class AbstentionMeasures:
    """Measures of how often a model finds a result with some demonstrations.

    Attributes:
        pairs: number of pairs.
        found: share of pairs with a result, by the rule of the stream with its default thresholds.
        median_confidence, median_feature_similarity: medians over the pairs; see `Grounding`.
    """

    pairs: int
    found: Estimate | None
    median_confidence: float | None
    median_feature_similarity: float | None


@dataclass(frozen=True)
class Abstention:
    """Measures with demonstrations of elements in the image, and of absent elements.

    Attributes:
        of_scenes: whether negative demonstrations come from other scenes instead of other images.
        own_right: measures with the image's own demonstration, if the best peak is right.
        own: measures with the image's own demonstration.
        negative: measures with a demonstration of an absent element.
        auroc: area under the ROC curve of each score, `own` against `negative`, by name.
    """

    of_scenes: bool
    own_right: AbstentionMeasures
    own: AbstentionMeasures
    negative: AbstentionMeasures
    auroc: Mapping[str, Estimate]


def measure_abstention(
    results: Sequence[PairResult], calibration: PresenceCalibration | None = None, seed: int = 0
) -> Abstention | None:
    """Measure the results of the stream's rule with its default thresholds.

    Args:
        results: results of a model.
        calibration: calibration of the model, or None.
        seed: seed of the bootstrap.

    Returns: the measures; None if no pair has a demonstration of another scene (or image).
    """
    pairs = [result for result in results if result.negative_presence_features is not None]
    if not pairs:
        return None
    right = [result for result in pairs if result.is_right]
    negative = [
        result.negative_presence_features
        for result in pairs
        if result.negative_presence_features is not None
    ]
    own = [result.presence_features for result in pairs]
    groups = [result.rows[0].group for result in pairs]
    groups_right = [result.rows[0].group for result in right]
    shown, absent = _measures(own, calibration), _measures(negative, calibration)
    return Abstention(
        of_scenes=all(result.pair.sample.scene is not None for result in pairs),
        own_right=_measure(
            [pair_result.presence_features for pair_result in right],
            groups_right,
            calibration,
            seed,
        ),
        own=_measure(own, groups, calibration, seed),
        negative=_measure(negative, groups, calibration, seed),
        auroc={name: bootstrap_area(shown[name], absent[name], groups, seed) for name in shown},
    )


def abstention_table(abstention: Abstention, calibration: PresenceCalibration | None) -> Table:
    """Build the table of own and negative demonstrations.

    Args:
        abstention: measures.
        calibration: calibration of the measurement, or None.
    """
    known = abstention.of_scenes
    region, other = ('inside', 'scene') if known else ('in the region', 'image')
    areas = {f'auroc_{name}': area for name, area in abstention.auroc.items()}
    return Table.of(
        'Are absent elements detected?',
        {
            **ABSTENTION_COLUMNS,
            **{f'auroc_{name}': f'AUROC of {name.replace("_", " ")}' for name in abstention.auroc},
        },
        {
            f'its own demonstration, peak {region}': vars(abstention.own_right),
            'its own demonstration': vars(abstention.own),
            f"another {other}'s demonstration": {**vars(abstention.negative), **areas},
        },
        (
            f'found: {_rule(calibration)}, the default on a robot. AUROC: area under the ROC '
            f'curve of the distinction of the own demonstration from another.',
        ),
    )


def _rule(calibration: PresenceCalibration | None) -> str:
    if calibration is not None:
        return f"presence at least {calibration.threshold:.3f}, the model's own threshold"
    settings = StreamSettings()
    return (
        f'confidence at least {settings.minimum_confidence} and feature similarity at least '
        f'{settings.minimum_feature_similarity}'
    )


def _measures(
    presence_features: Sequence[PresenceFeatures], calibration: PresenceCalibration | None
) -> Mapping[str, list[float]]:
    """Compute the measures that may separate both, by name."""
    if calibration is None:
        return {
            'confidence': [features.confidence for features in presence_features],
            'feature_similarity': [features.feature_similarity for features in presence_features],
        }
    return {'presence': [calibration.presence(features) for features in presence_features]}


def _measure(
    presence_features: Sequence[PresenceFeatures],
    groups: Sequence[str],
    calibration: PresenceCalibration | None,
    seed: int,
) -> AbstentionMeasures:
    settings = StreamSettings()
    found = [settings.is_present(features, calibration) for features in presence_features]
    return AbstentionMeasures(
        pairs=len(presence_features),
        found=bootstrap_mean(found, groups, seed) if presence_features else None,
        median_confidence=_median([features.confidence for features in presence_features]),
        median_feature_similarity=_median(
            [features.feature_similarity for features in presence_features]
        ),
    )


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
