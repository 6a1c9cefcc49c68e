# SPDX-License-Identifier: Apache-2.0
"""Measures of the pairs of one folder or one source, and tables that compare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from afformer_core.offline.data.readers.part_pairs import PartPair
from afformer_core.offline.evaluation.parts.part_scores import (
    PartMeasures,
    PartScores,
    measure_parts,
)
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.offline.reports.tables import Cell, Table

_OF_MODEL = {
    'inside': 'inside a part',
    'near': 'within 5 %',
    'within_size': 'within one size',
    'answered': 'answered',
    'right_of_answered': 'right of these',
    'other_inside': 'inside, another place',
    'nearby_inside': 'inside, another thing',
    'contact_close': 'contact within 2.5 %',
    'contact_first': 'contact within 5 %',
    'action': 'action accepted',
    'constant_action': 'best constant action',
    'auroc': 'presence AUROC',
}
_OF_ALL = {'inside': 'Inside a part', 'within_size': 'Within one size of a part'}


@dataclass(frozen=True)
class GroupMeasures:
    """Measures of some pairs.

    Attributes:
        pairs: number of pairs.
        source_videos: number of source videos.
        constant_action: the action that is accepted most often.
        constant_action_accepted: share of pairs that accept it.
        predictors: predictors by name.
    """

    pairs: int
    source_videos: int
    constant_action: str
    constant_action_accepted: Estimate | None
    predictors: Mapping[str, PartMeasures]


def measure_group(
    pairs: Sequence[PartPair], scores: Mapping[str, Sequence[PartScores]], seed: int = 0
) -> GroupMeasures:
    """Measure all predictors on some pairs.

    Args:
        pairs: pairs, at least one.
        scores: scores of these pairs, by predictor.
        seed: seed of the bootstrap.
    """
    videos = [pair.group for pair in pairs]
    counts = Counter(action for pair in pairs for action in dict.fromkeys(pair.accepted_actions))
    constant = counts.most_common(1)[0][0]
    accepted = [float(constant in pair.accepted_actions) for pair in pairs]
    return GroupMeasures(
        pairs=len(pairs),
        source_videos=len(set(videos)),
        constant_action=constant,
        constant_action_accepted=bootstrap_mean(accepted, videos, seed),
        predictors={name: measure_parts(score, pairs, seed) for name, score in scores.items()},
    )


def measure_groups(
    pairs: Sequence[PartPair],
    scores: Mapping[str, Sequence[PartScores]],
    key: Callable[[PartPair], str],
    seed: int = 0,
) -> dict[str, GroupMeasures]:
    """Measure all predictors on the pairs of each group, by its name.

    Args:
        pairs: N pairs.
        scores: scores of the N pairs, by predictor.
        key: function that returns the group of a pair.
        seed: seed of the bootstrap.
    """
    measured = {}
    for name in dict.fromkeys(key(pair) for pair in pairs):
        chosen = [number for number, pair in enumerate(pairs) if key(pair) == name]
        of_group = {
            score: [all_scores[number] for number in chosen]
            for score, all_scores in scores.items()
        }
        measured[name] = measure_group([pairs[number] for number in chosen], of_group, seed)
    return measured


def group_tables(
    groups: Mapping[str, GroupMeasures], labels: Mapping[str, str], models: Sequence[str]
) -> list[Table]:
    """Build tables with a row for each group: all measures of each model, then all predictors.

    Args:
        groups: groups by name, at least one.
        labels: labels of the predictors, by name.
        models: names of the predictors that are models.
    """
    counted = {f'{name} ({group.pairs})': group for name, group in groups.items()}
    tables = [
        Table.of(
            f'By folder and source: {labels[model]}',
            _with_values(_OF_MODEL, {name: _row(group, model) for name, group in counted.items()}),
            {name: _row(group, model) for name, group in counted.items()},
            (
                'The number of pairs is in parentheses. A size is the square root of the area '
                'of the part. The contact is read in the first frame of the clip; 2.5 % and 5 % '
                'refer to the diagonal. The best constant action is the one that most of the '
                f'pairs accept. {interval_note("source videos")}',
            ),
        )
        for model in models
    ]
    for measure, title in _OF_ALL.items():
        rows: dict[str, dict[str, Cell]] = {
            name: {label: getattr(group.predictors[label], measure) for label in labels}
            for name, group in counted.items()
        }
        tables.append(Table.of(f'{title}, by folder and source', labels, rows))
    return tables


def _row(group: GroupMeasures, model: str) -> dict[str, Cell]:
    constant = group.constant_action_accepted
    told = None if constant is None else f'{group.constant_action} {constant.value:.3f}'
    return {**vars(group.predictors[model]), 'constant_action': told}


def _with_values(
    headings: Mapping[str, str], rows: Mapping[str, Mapping[str, Cell]]
) -> dict[str, str]:
    """Return the headings of columns in which a row has a value."""
    return {
        name: text
        for name, text in headings.items()
        if any(row.get(name) is not None for row in rows.values())
    }
