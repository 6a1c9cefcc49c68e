# SPDX-License-Identifier: Apache-2.0
"""All measures on pairs with parts, by the names of `docs/reference/evaluation_json.md`.

`pairs` are N measured pairs, at least one; `scores` are those of the N pairs, of one predictor or
by its name; intervals are from drawing whole source videos with `seed`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.parts.part_scores import PartScores
from afformer_core.offline.reports.bootstrap import (
    Estimate,
    bootstrap_area,
    bootstrap_class_mean,
    bootstrap_mean,
    bootstrap_separation,
)

MEASURES = (
    'inside',
    'inside_of_sources',
    'near',
    'within_size',
    'any_inside',
    'mass_inside',
    'action',
    'found',
    'answered',
    'right_of_answered',
    'tap_answered',
    'right_of_tap_answered',
    'other_inside',
    'other_found',
    'nearby_inside',
    'nearby_found',
    'contact_first',
    'contact_close',
    'contact_of_3',
    'contact_of_5',
    'auroc',
    'nearby_auroc',
)
"""Names of the measures of a predictor: means of its scores, if nothing else is said of them."""

COMPARED = {
    'inside': 'inside a part',
    'near': 'within 5 %',
    'within_size': 'within one size',
    'any_inside': 'three best: inside',
    'mass_inside': 'probability inside',
    'action': 'action accepted',
    'found': 'found',
    'answered': 'answered',
    'other_inside': 'inside, another place',
    'other_found': 'found, another place',
    'nearby_inside': 'inside, another thing',
    'nearby_found': 'found, another thing',
    'contact_first': 'contact in the first frame',
    'contact_close': 'contact in the first frame, within 2.5 %',
}
"""Headings of the scores in which models are compared, by name."""

ScoresByPredictor = Mapping[str, Sequence[PartScores]]


def measure_all(
    pairs: Sequence[PartPair],
    scores: ScoresByPredictor,
    models: Sequence[str],
    left_out: Mapping[str, str],
    seed: int = 0,
    contacts: Estimates | None = None,
) -> dict[str, Any]:
    """Compute the measures of all predictors.

    Args:
        models: names of the predictors that are models, at least one.
        left_out: reasons why pairs were not measured, by pair.
        contacts: numbers of clips with marked contacts, or None.
    """
    whole = measure_group(pairs, scores, seed)
    names = [pair.sample.sample_id for pair in pairs]
    return {
        'pairs': whole['pairs'],
        'source_videos': whole['source_videos'],
        'left_out': left_out,
        'predictors': whole['predictors'],
        'constant_action': whole['constant_action'],
        'constant_action_accepted': whole['constant_action_accepted'],
        'by_folder': measure_groups(pairs, scores, lambda pair: pair.folder, seed),
        'by_source': measure_groups(pairs, scores, lambda pair: pair.source, seed),
        'by_kind': {
            kind: measured['predictors']
            for kind, measured in measure_groups(
                pairs, scores, lambda pair: pair.kind, seed
            ).items()
        },
        'confidence': {
            name: measure_confidence(of_predictor, pairs, seed)
            for name, of_predictor in scores.items()
            if any(score['confidence_scores'] for score in of_predictor)
        },
        'pair_facts': {name: _describe(pair) for name, pair in zip(names, pairs, strict=True)},
        'by_pair': {
            pair: {name: score[number] for name, score in scores.items()}
            for number, pair in enumerate(names)
        },
        'differences': measure_part_differences(
            {name: scores[name] for name in models}, [pair.group for pair in pairs], seed
        ),
        'contacts': contacts,
    }


def measure_group(
    pairs: Sequence[PartPair], scores: ScoresByPredictor, seed: int = 0
) -> dict[str, Any]:
    """Measure all predictors on some pairs, and the action that they accept most often."""
    videos = [pair.group for pair in pairs]
    counts = Counter(action for pair in pairs for action in dict.fromkeys(pair.accepted_actions))
    constant = counts.most_common(1)[0][0]
    accepted = [float(constant in pair.accepted_actions) for pair in pairs]
    return {
        'pairs': len(pairs),
        'source_videos': len(set(videos)),
        'constant_action': constant,
        'constant_action_accepted': bootstrap_mean(accepted, videos, seed),
        'predictors': {name: measure_parts(own, pairs, seed) for name, own in scores.items()},
    }


def measure_groups(
    pairs: Sequence[PartPair],
    scores: ScoresByPredictor,
    key: Callable[[PartPair], str],
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Measure all predictors on the pairs of each group, which `key` names; '' is no group."""
    names = [key(pair) for pair in pairs]
    measured = {}
    for name in dict.fromkeys(filter(None, names)):
        chosen = [number for number, other in enumerate(names) if other == name]
        own = {predictor: [known[n] for n in chosen] for predictor, known in scores.items()}
        measured[name] = measure_group([pairs[n] for n in chosen], own, seed)
    return measured


def measure_parts(
    scores: Sequence[PartScores], pairs: Sequence[PartPair], seed: int = 0
) -> dict[str, Estimate | None]:
    """Compute the `MEASURES` of one predictor."""
    videos = [pair.group for pair in pairs]
    sources = list(dict.fromkeys(pair.source for pair in pairs))
    of_source = [sources.index(pair.source) for pair in pairs]
    inside = _values('inside', scores)
    others = {
        'inside_of_sources': bootstrap_class_mean(inside, videos, of_source, seed),
        'auroc': _auroc('other', scores, videos, seed),
        'nearby_auroc': _auroc('nearby', scores, videos, seed),
    }
    return {
        name: others[name]
        if name in others
        else bootstrap_mean(_values(name, scores), videos, seed)
        for name in MEASURES
    }


def measure_part_differences(
    models: ScoresByPredictor, source_videos: Sequence[Hashable], seed: int = 0
) -> dict[str, dict[str, Estimate | None]]:
    """Compute the paired differences of all other models from the first, by name and score."""
    (reference, *others) = models
    return {
        name: {
            score: bootstrap_mean(
                _values(score, models[name]) - _values(score, models[reference]),
                source_videos,
                seed,
            )
            for score in COMPARED
        }
        for name in others
    }


def _values(name: str, scores: Sequence[PartScores]) -> NDArray[np.float64]:
    """Collect one score of all pairs, [N]; NaN if it is not measured."""
    if name == 'right_of_answered':
        return np.where(_values('answered', scores) == 1, _values('inside', scores), np.nan)
    if name == 'right_of_tap_answered':
        tapped = _values('tap_answered', scores) == 1
        return np.where(tapped, _values('tap_inside', scores), np.nan)
    return np.array([score[name] for score in scores], np.float64)


def _auroc(
    negative: str, scores: Sequence[PartScores], source_videos: Sequence[Hashable], seed: int
) -> Estimate | None:
    own = _values('presence_score', scores)
    other = _values(f'{negative}_presence_score', scores)
    known = np.flatnonzero(~np.isnan(own) & ~np.isnan(other)).tolist()
    if not len(known):
        return None
    return bootstrap_area(own[known], other[known], [source_videos[n] for n in known], seed)


def _describe(pair: PartPair) -> dict[str, str]:
    return {
        'id': pair.sample.sample_id.removeprefix(f'{pair.folder}/'),
        'folder': pair.folder,
        'source': pair.source,
        'source_video': pair.source_video,
        'kind': pair.kind,
        'accepted_actions': ', '.join(pair.accepted_actions),
    }


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
