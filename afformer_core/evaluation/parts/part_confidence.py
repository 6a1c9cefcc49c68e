# SPDX-License-Identifier: Apache-2.0
"""Scores of confidence as what tells right best points from wrong ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.evaluation.parts.part_scores import PartScores
from afformer_core.reports.bootstrap import (
    Estimate,
    bootstrap_mean,
    bootstrap_separation,
    interval_note,
)
from afformer_core.reports.tables import Cell, Table

RIGHT_SHARE = 0.85
"""Share of the answers that are to be right: a threshold is chosen for it."""

_SUREST = (25, 50, 75, 100)
_HEADINGS = {
    'separation': 'AUROC, right from wrong',
    'coverage': 'answered',
    'right_of_answered': 'right of these',
    'in_sample_coverage': 'answered, in-sample',
    'in_sample_threshold': 'threshold, in-sample',
}


@dataclass(frozen=True)
class ConfidenceMeasures:
    """How well one score tells right best points from wrong ones; None where not measured.

    Attributes:
        pairs: that have the score.
        separation: area under the ROC curve of pairs whose best point is inside a part.
        coverage: share of pairs that are answered where the threshold of each source was chosen
            on the other sources, for 85 % of the answers to be right; None of a single source.
        right_of_answered: share of these answers that are right.
        thresholds: of each source, chosen on the others; infinity where nothing is answered.
        in_sample_coverage: share that is answered by the threshold that was chosen on all pairs.
        in_sample_threshold: that threshold.
        right_of_surest: share of right ones among the surest so many percent of the pairs.
    """

    pairs: int
    separation: Estimate | None
    coverage: Estimate | None
    right_of_answered: Estimate | None
    thresholds: Mapping[str, float]
    in_sample_coverage: float
    in_sample_threshold: float
    right_of_surest: Mapping[str, float]


def answering_threshold(values: ArrayLike, right: ArrayLike, share: float = RIGHT_SHARE) -> float:
    """Choose the threshold that answers the most while enough of the answers are right.

    Args:
        values: [N]; at or above the threshold is answered.
        right: [N] booleans.
        share: of the answers that must be right, 0 to 1.

    Returns:
        one of the values, or infinity where no threshold will do.
    """
    known = np.asarray(values, np.float64)
    order = np.argsort(-known, kind='stable')
    ordered = known[order]
    precision = np.cumsum(np.asarray(right, np.float64)[order]) / np.arange(1, len(order) + 1)
    # Equal values are answered together.
    is_last = np.append(ordered[1:] != ordered[:-1], True)[: len(order)]
    enough = np.flatnonzero(is_last & (precision >= share))
    return float(ordered[enough[-1]]) if len(enough) else math.inf


def measure_confidence(
    scores: Sequence[PartScores], pairs: Sequence[PartPair], seed: int = 0
) -> dict[str, ConfidenceMeasures]:
    """Measure each score of confidence that a predictor gives, by its name.

    Args:
        scores: of one predictor on N pairs.
        pairs: the N pairs.
        seed: of the bootstrap.
    """
    names = dict.fromkeys(name for score in scores for name in score.confidence_scores)
    return {name: _measure(name, scores, pairs, seed) for name in names}


def _measure(
    name: str, scores: Sequence[PartScores], pairs: Sequence[PartPair], seed: int
) -> ConfidenceMeasures:
    known = [number for number, score in enumerate(scores) if name in score.confidence_scores]
    values = np.array([scores[number].confidence_scores[name] for number in known])
    right = np.array([scores[number].inside == 1 for number in known])
    groups = [pairs[number].group for number in known]
    sources = np.array([pairs[number].source for number in known])
    thresholds = {}
    for source in dict.fromkeys(sources.tolist()):
        others = sources != source
        if others.any():
            thresholds[source] = answering_threshold(values[others], right[others])
    coverage = right_of_answered = None
    if thresholds:
        answered = values >= [thresholds[source] for source in sources]
        coverage = bootstrap_mean(answered, groups, seed)
        right_of_answered = bootstrap_mean(np.where(answered, right, np.nan), groups, seed)
    in_sample = answering_threshold(values, right)
    return ConfidenceMeasures(
        pairs=len(known),
        separation=bootstrap_separation(values, right, groups, seed),
        coverage=coverage,
        right_of_answered=right_of_answered,
        thresholds=thresholds,
        in_sample_coverage=float((values >= in_sample).mean()),
        in_sample_threshold=in_sample,
        right_of_surest={str(percent): _surest(values, right, percent) for percent in _SUREST},
    )


def _surest(values: ArrayLike, right: ArrayLike, percent: int) -> float:
    """Compute the share of right ones among the surest; those as sure as the last count too."""
    known = np.asarray(values)
    least = np.sort(known)[-math.ceil(len(known) * percent / 100)]
    return float(np.asarray(right)[known >= least].mean())


def confidence_tables(
    measured: Mapping[str, Mapping[str, ConfidenceMeasures]], labels: Mapping[str, str]
) -> list[Table]:
    """Build the tables of scores of confidence: thresholds, and risk against coverage.

    Args:
        measured: by predictor and score.
        labels: of the predictors, by name.
    """
    named = {
        f'{labels[predictor]}: {name.replace("_", " ")}': each
        for predictor, scores in measured.items()
        for name, each in scores.items()
    }
    if not named:
        return []
    rows: dict[str, dict[str, Cell]] = {label: vars(each) for label, each in named.items()}
    surest: dict[str, dict[str, Cell]] = {
        label: dict(each.right_of_surest) for label, each in named.items()
    }
    headings = {str(percent): f'surest {percent} %' for percent in _SUREST[:-1]}
    return [
        Table.of(
            f'Right from wrong by confidence, for {100 * RIGHT_SHARE:g} % right',
            _HEADINGS,
            rows,
            (
                'Right: the best point is inside a part. answered: the score reaches a threshold '
                f'that was chosen for {100 * RIGHT_SHARE:g} % of the answers to be right, for the '
                'pairs of each source on those of the other sources. in-sample: the threshold was '
                'chosen on the same pairs, which promises more than a new source keeps. '
                f'{interval_note("source videos")}',
            ),
        ),
        Table.of(
            'Right among the surest',
            {**headings, str(_SUREST[-1]): 'all'},
            surest,
            ('Share of right best points among the pairs of the highest scores.',),
        ),
    ]
