# SPDX-License-Identifier: Apache-2.0
"""Scores of confidence as a criterion for right points, and of actions for right ones."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.reports.bootstrap import (
    Estimate,
    bootstrap_mean,
    bootstrap_separation,
    interval_note,
)
from afformer_core.offline.reports.tables import Cell, Table

RIGHT_SHARE = 0.88
"""Required share of right answers, for which a threshold is chosen."""

_HEADINGS = {
    'separation': 'AUROC of right points',
    'coverage': 'answered',
    'right_of_answered': 'right of these',
}


@dataclass(frozen=True)
class ConfidenceMeasures:
    """Separation of right and wrong best points by one score; None if not measured.

    Attributes:
        pairs: number of pairs with the score.
        separation: area under the ROC curve of pairs whose best point is inside a part.
        coverage: share of answered pairs if the threshold of each source is chosen on the other
            sources, for 85 % right answers; None for a single source.
        right_of_answered: share of these answers that are right.
        thresholds: threshold of each source, chosen on the others; infinity if nothing is
            answered.
    """

    pairs: int
    separation: Estimate | None
    coverage: Estimate | None
    right_of_answered: Estimate | None
    thresholds: Mapping[str, float]


def answering_threshold(values: ArrayLike, right: ArrayLike, share: float = RIGHT_SHARE) -> float:
    """Choose the threshold with the most answers of which enough are right.

    Args:
        values: [N]; pairs at or above the threshold are answered.
        right: [N] booleans.
        share: share of the answers that must be right, 0 to 1.

    Returns:
        one of the values, or infinity if no threshold satisfies this.
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
        scores: scores of one predictor on N pairs.
        pairs: the N pairs.
        seed: seed of the bootstrap.
    """
    names = dict.fromkeys(name for score in scores for name in score.confidence_scores)
    return {name: _measure(scored_points(name, scores, pairs), seed) for name in names}


@dataclass(frozen=True)
class ScoredAnswers:
    """Answers of N pairs with a score of confidence.

    Attributes:
        values: scores, [N].
        right: whether each answer is right, [N].
        sources: source of each pair, [N].
        groups: source video of each pair.
    """

    values: NDArray[np.float64]
    right: NDArray[np.bool_]
    sources: NDArray[np.str_]
    groups: tuple[Hashable, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.values), len(self.right), len(self.sources), len(self.groups)}
        if len(lengths) != 1:
            raise ValueError(f'the attributes have lengths {sorted(lengths)}; expected one length')

    @classmethod
    def of(cls, answers: Iterable[tuple[float, bool, PartPair]]) -> ScoredAnswers:
        """Collect (score, whether it is right, pair) of each answer."""
        known = list(answers)
        return cls(
            np.array([value for value, _, _ in known], np.float64),
            np.array([right for _, right, _ in known], bool),
            np.array([pair.source for _, _, pair in known], str),
            tuple(pair.group for _, _, pair in known),
        )

    def thresholds(self) -> dict[str, float]:
        """Choose the threshold of each source on the others (see `answering_threshold`).

        A single source has no threshold.
        """
        names = dict.fromkeys(self.sources.tolist())
        if len(names) < 2:
            return {}
        return {
            name: answering_threshold(
                self.values[self.sources != name], self.right[self.sources != name]
            )
            for name in names
        }


def scored_points(
    name: str, scores: Sequence[PartScores], pairs: Sequence[PartPair]
) -> ScoredAnswers:
    """Collect a score of confidence by its name, and whether best points are inside a part."""
    return ScoredAnswers.of(
        (score.confidence_scores[name], score.inside == 1, pair)
        for score, pair in zip(scores, pairs, strict=True)
        if name in score.confidence_scores
    )


def scored_actions(scores: Sequence[PartScores], pairs: Sequence[PartPair]) -> ScoredAnswers:
    """Collect the scores of the best actions, and whether the pairs accept them."""
    return ScoredAnswers.of(
        (next(iter(score.action_scores.values())), score.action == 1, pair)
        for score, pair in zip(scores, pairs, strict=True)
        if score.action_scores
    )


def _measure(answers: ScoredAnswers, seed: int) -> ConfidenceMeasures:
    values, right, groups = answers.values, answers.right, answers.groups
    thresholds = answers.thresholds()
    coverage = right_of_answered = None
    if thresholds:
        answered = values >= [thresholds[source] for source in answers.sources.tolist()]
        coverage = bootstrap_mean(answered, groups, seed)
        right_of_answered = bootstrap_mean(np.where(answered, right, np.nan), groups, seed)
    return ConfidenceMeasures(
        pairs=len(values),
        separation=bootstrap_separation(values, right, groups, seed),
        coverage=coverage,
        right_of_answered=right_of_answered,
        thresholds=thresholds,
    )


def confidence_tables(
    measured: Mapping[str, Mapping[str, ConfidenceMeasures]], labels: Mapping[str, str]
) -> list[Table]:
    """Build the table of scores of confidence; no table without scores.

    Args:
        measured: measures by predictor and score.
        labels: labels of the predictors, by name.
    """
    named = {
        f'{labels[predictor]}: {name.replace("_", " ")}': score
        for predictor, scores in measured.items()
        for name, score in scores.items()
    }
    if not named:
        return []
    rows: dict[str, dict[str, Cell]] = {label: vars(measures) for label, measures in named.items()}
    return [
        Table.of(
            f'Selection of right points by confidence, for {100 * RIGHT_SHARE:g} % right',
            _HEADINGS,
            rows,
            (
                'Right: the best point is inside a part. answered: the score reaches a threshold '
                f'that was chosen for {100 * RIGHT_SHARE:g} % of the answers to be right, for the '
                'pairs of each source on those of the other sources. '
                f'{interval_note("source videos")}',
            ),
        )
    ]
