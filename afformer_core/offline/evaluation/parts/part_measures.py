# SPDX-License-Identifier: Apache-2.0
"""All numbers of an evaluation on pairs with outlined parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.contact_scores import ContactsMeasured
from afformer_core.offline.evaluation.parts.part_confidence import (
    ConfidenceMeasures,
    measure_confidence,
)
from afformer_core.offline.evaluation.parts.part_differences import (
    PartDifference,
    measure_part_differences,
)
from afformer_core.offline.evaluation.parts.part_groups import (
    GroupMeasures,
    measure_group,
    measure_groups,
)
from afformer_core.offline.evaluation.parts.part_scores import (
    ClassMeasures,
    PartMeasures,
    PartScores,
    measure_by,
)
from afformer_core.offline.reports.bootstrap import Estimate

ByClass = Mapping[str, Mapping[str, ClassMeasures]]
"""Measures by class of pairs and predictor."""


@dataclass(frozen=True)
class PartsMeasured:
    """All numbers of an evaluation.

    Attributes:
        pairs: number of measured pairs.
        source_videos: number of source videos.
        left_out: reason for each pair that was not measured.
        predictors: predictors by name.
        constant_action: the action that is accepted most often.
        constant_action_accepted: share of pairs that accept it.
        by_folder: measures by folder of pairs.
        by_source: measures by source.
        by_kind: measures by kind of pair and predictor.
        by_robot: measures by `robot` or `no robot` in the target, and predictor.
        confidence: confidence by predictor and score of confidence.
        worst_source: source with the lowest `right_of_answered`, by model; of several the one with
            the most answers. Models that answer nothing are left out.
        pair_facts: descriptions by pair (see `PartPair`).
        by_pair: scores by pair and predictor.
        differences: differences of all other models from the first, by name; empty for a single
            model.
        contacts: numbers of clips with marked contacts; None if none were given.
    """

    pairs: int
    source_videos: int
    left_out: Mapping[str, str]
    predictors: Mapping[str, PartMeasures]
    constant_action: str
    constant_action_accepted: Estimate | None
    by_folder: Mapping[str, GroupMeasures]
    by_source: Mapping[str, GroupMeasures]
    by_kind: ByClass
    by_robot: ByClass
    confidence: Mapping[str, Mapping[str, ConfidenceMeasures]]
    worst_source: Mapping[str, str]
    pair_facts: Mapping[str, Mapping[str, str]]
    by_pair: Mapping[str, Mapping[str, PartScores]]
    differences: Mapping[str, PartDifference]
    contacts: ContactsMeasured | None = None


def measure_all(
    pairs: Sequence[PartPair],
    scores: Mapping[str, Sequence[PartScores]],
    models: Sequence[str],
    left_out: Mapping[str, str],
    seed: int = 0,
    contacts: ContactsMeasured | None = None,
) -> PartsMeasured:
    """Compute the measures of all predictors.

    Args:
        pairs: measured pairs, at least one.
        scores: scores of the pairs, by predictor.
        models: names of the predictors that are models, at least one.
        left_out: reasons by pair.
        seed: seed of the bootstrap.
        contacts: numbers of clips with marked contacts, or None.
    """
    videos = [pair.group for pair in pairs]
    by_source = measure_groups(pairs, scores, lambda pair: pair.source, seed)
    return PartsMeasured(
        **vars(measure_group(pairs, scores, seed)),
        left_out=left_out,
        by_folder=measure_groups(pairs, scores, lambda pair: pair.folder, seed),
        by_source=by_source,
        by_kind=_by_class(
            {name: measure_by(score, pairs, _kind, seed) for name, score in scores.items()}
        ),
        by_robot=_by_class(
            {name: measure_by(score, pairs, _robot, seed) for name, score in scores.items()}
        ),
        confidence={
            name: measure_confidence(of_predictor, pairs, seed)
            for name, of_predictor in scores.items()
            if any(score.confidence_scores for score in of_predictor)
        },
        worst_source={name: worst for name in models if (worst := _worst_source(by_source, name))},
        pair_facts={pair.sample.sample_id: _describe(pair) for pair in pairs},
        by_pair={
            pair.sample.sample_id: {name: score[number] for name, score in scores.items()}
            for number, pair in enumerate(pairs)
        },
        differences=measure_part_differences(
            {name: scores[name] for name in models}, videos, seed
        ),
        contacts=contacts,
    )


def _worst_source(by_source: Mapping[str, GroupMeasures], model: str) -> str:
    right = {
        source: measures.predictors[model].right_of_answered
        for source, measures in by_source.items()
    }
    known = {source: (share.value, -share.count) for source, share in right.items() if share}
    return min(known, key=known.__getitem__, default='')


def _describe(pair: PartPair) -> dict[str, str]:
    return {
        'id': pair.sample.sample_id.removeprefix(f'{pair.folder}/'),
        'folder': pair.folder,
        'source': pair.source,
        'source_video': pair.source_video,
        'kind': pair.kind,
        'accepted_actions': ', '.join(pair.accepted_actions),
    }


def _kind(pair: PartPair) -> str:
    return pair.kind


def _robot(pair: PartPair) -> str:
    return '' if pair.robot is None else 'robot' if pair.robot else 'no robot'


def _by_class(measured: ByClass) -> dict[str, dict[str, ClassMeasures]]:
    """Regroup measures by class and predictor, given measures by predictor and class."""
    classes = dict.fromkeys(
        name for scores_by_class in measured.values() for name in scores_by_class
    )
    return {
        name: {predictor: scores_by_class[name] for predictor, scores_by_class in measured.items()}
        for name in classes
    }
