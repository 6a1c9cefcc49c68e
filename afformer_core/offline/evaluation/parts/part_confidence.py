# SPDX-License-Identifier: Apache-2.0
"""Scores of confidence as a criterion for right points, and of actions for right ones."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.reports.bootstrap import bootstrap_mean, bootstrap_separation

RIGHT_SHARE = 0.88
"""Required share of right answers, for which a threshold is chosen."""


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
) -> dict[str, dict[str, Any]]:
    """Measure how each score of confidence separates right and wrong best points, by its name.

    Returns:
        the number of `pairs` with the score; their `separation`, an area under the ROC curve; and
        for thresholds of each source that are chosen on the other sources for `RIGHT_SHARE` right
        answers, `coverage`, the share of answered pairs, `right_of_answered`, the share of these
        answers that are right, and the `thresholds`, infinite if nothing is answered. There are
        none for a single source.
    """
    names = dict.fromkeys(name for score in scores for name in score['confidence_scores'])
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
        (score['confidence_scores'][name], score['inside'] == 1, pair)
        for score, pair in zip(scores, pairs, strict=True)
        if name in score['confidence_scores']
    )


def scored_actions(scores: Sequence[PartScores], pairs: Sequence[PartPair]) -> ScoredAnswers:
    """Collect the scores of the best actions, and whether the pairs accept them."""
    return ScoredAnswers.of(
        (next(iter(score['action_scores'].values())), score['action'] == 1, pair)
        for score, pair in zip(scores, pairs, strict=True)
        if score['action_scores']
    )


def _measure(answers: ScoredAnswers, seed: int) -> dict[str, Any]:
    values, right, groups = answers.values, answers.right, answers.groups
    thresholds = answers.thresholds()
    coverage = right_of_answered = None
    if thresholds:
        answered = values >= [thresholds[source] for source in answers.sources.tolist()]
        coverage = bootstrap_mean(answered, groups, seed)
        right_of_answered = bootstrap_mean(np.where(answered, right, np.nan), groups, seed)
    return {
        'pairs': len(values),
        'separation': bootstrap_separation(values, right, groups, seed),
        'coverage': coverage,
        'right_of_answered': right_of_answered,
        'thresholds': thresholds,
    }
