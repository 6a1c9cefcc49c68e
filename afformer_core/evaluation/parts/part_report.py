# SPDX-License-Identifier: Apache-2.0
"""Tables and named numbers of an evaluation on pairs with outlined parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afformer_core.data.readers.part_pairs import PartPair
from afformer_core.evaluation.parts.part_differences import (
    PartDifference,
    measure_part_differences,
    part_difference_table,
)
from afformer_core.evaluation.parts.part_scores import (
    ClassMeasures,
    PartMeasures,
    PartScores,
    measure_by,
    measure_parts,
)
from afformer_core.evaluation.report.report import ImageLegend, Report
from afformer_core.reports.bootstrap import Estimate, bootstrap_mean, interval_note
from afformer_core.reports.tables import Cell, Table

_ByClass = Mapping[str, Mapping[str, ClassMeasures]]

_POINTS = {
    'inside': 'inside a part',
    'near': 'within 5 %',
    'any_inside': 'three best: inside',
    'any_near': 'three best: within 5 %',
    'mass_inside': 'probability inside',
}
_VIDEOS = {
    'inside': 'inside',
    'other_inside': 'inside, another video',
    'blank_inside': 'inside, blank video',
    'found': 'found',
    'other_found': 'found, another video',
    'blank_found': 'found, blank video',
    'auroc': 'AUROC',
}
_LEGEND = ImageLegend(
    "Pairs, chosen by the model's distance from the parts",
    'Outlines: the parts. Cross: best peak. Ring: the marked contact. Heatmaps are drawn relative '
    'to their own maximum, similarity as the exponential of 20 times it.',
)
_CONTACT = {'contact_marked': 'frame of the mark', 'contact_first': 'first frame'}


@dataclass(frozen=True)
class PartsMeasured:
    """All numbers of an evaluation.

    Attributes:
        pairs: how many were measured.
        source_videos: of how many videos.
        left_out: of each pair that was not measured, the reason.
        predictors: by name.
        constant_action: the action that is accepted most often.
        constant_action_accepted: how often it is.
        by_kind: by kind of pair and predictor.
        by_robot: by `robot` or `no robot` in the target, and predictor.
        by_pair: scores by pair and predictor.
        differences: of all models but the first to the first, by name; of one model empty.
    """

    pairs: int
    source_videos: int
    left_out: Mapping[str, str]
    predictors: Mapping[str, PartMeasures]
    constant_action: str
    constant_action_accepted: Estimate | None
    by_kind: _ByClass
    by_robot: _ByClass
    by_pair: Mapping[str, Mapping[str, PartScores]]
    differences: Mapping[str, PartDifference]


def measure_all(
    pairs: Sequence[PartPair],
    scores: Mapping[str, Sequence[PartScores]],
    models: Sequence[str],
    left_out: Mapping[str, str],
    seed: int = 0,
) -> PartsMeasured:
    """Compute the measures of all predictors.

    Args:
        pairs: that were measured, at least one.
        scores: of the pairs, by predictor.
        models: names of the predictors that are models, at least one.
        left_out: reasons by pair.
        seed: of the bootstrap.
    """
    videos = [pair.source_video for pair in pairs]
    counts = Counter(action for pair in pairs for action in dict.fromkeys(pair.accepted_actions))
    constant = counts.most_common(1)[0][0]
    accepted = [float(constant in pair.accepted_actions) for pair in pairs]
    return PartsMeasured(
        pairs=len(pairs),
        source_videos=len(set(videos)),
        left_out=left_out,
        predictors={name: measure_parts(each, videos, seed) for name, each in scores.items()},
        constant_action=constant,
        constant_action_accepted=bootstrap_mean(accepted, videos, seed),
        by_kind=_by_class(
            {name: measure_by(each, pairs, _kind, seed) for name, each in scores.items()}
        ),
        by_robot=_by_class(
            {name: measure_by(each, pairs, _robot, seed) for name, each in scores.items()}
        ),
        by_pair={
            pair.sample.sample_id: {name: each[number] for name, each in scores.items()}
            for number, pair in enumerate(pairs)
        },
        differences=measure_part_differences(
            {name: scores[name] for name in models}, videos, seed
        ),
    )


def parts_report(
    measured: PartsMeasured,
    labels: Mapping[str, str],
    models: Sequence[str],
    facts: Mapping[str, str | int | float],
    notes: Sequence[str] = (),
) -> Report:
    """Tables of the numbers.

    Args:
        measured: the numbers.
        labels: of the predictors, by name, in the order of the rows.
        models: names of the predictors that are models.
        facts: about models and data, shown first.
        notes: on the first table.
    """
    named = {label: measured.predictors[name] for name, label in labels.items()}
    of_models = {labels[name]: measured.predictors[name] for name in models}
    counted = {'pairs': measured.pairs, 'source videos': measured.source_videos}
    left_out = '; '.join(f'{name}: {reason}' for name, reason in measured.left_out.items())
    tables = [
        Table.of(
            'Parts',
            _POINTS,
            {label: vars(each) for label, each in named.items()},
            (
                'Best peak, or the best of three, inside an outlined part, or within 5 % of the '
                f"image's diagonal of one. {interval_note('source videos')}",
                *notes,
            ),
        ),
        Table.of(
            'Does the video decide?',
            _VIDEOS,
            {label: vars(each) for label, each in named.items() if each.auroc is not None},
            (
                'inside: of the parts that the own video shows. found: a robot would act, by '
                "the model's own threshold of presence. AUROC: own videos told from others by "
                'presence (SIFT: by the matches that agree; matching: by the largest similarity).',
            ),
        ),
    ]
    if measured.differences:
        tables.append(part_difference_table(labels[models[0]], measured.differences))
    if any(each.action is not None for each in of_models.values()):
        tables.append(
            Table.of(
                'Actions',
                {'action': 'accepted'},
                {
                    **{label: vars(each) for label, each in of_models.items()},
                    f'always "{measured.constant_action}"': {
                        'action': measured.constant_action_accepted
                    },
                },
                ('Best action among those that the pair accepts.',),
            )
        )
    if any(each.contact_marked is not None for each in of_models.values()):
        tables.append(
            Table.of(
                'Contact in the demonstration itself',
                _CONTACT,
                {label: vars(each) for label, each in of_models.items()},
                ('Best peak in a frame of the clip within 5 % of its diagonal of the mark.',),
            )
        )
    tables += _tables_by('kind', measured.by_kind, labels)
    tables += _tables_by('robot in the target', measured.by_robot, labels)
    return Report(
        {**facts, **counted, **({'left out': left_out} if left_out else {})},
        measured,
        tuple(tables),
        measured.predictors[models[0]],
        _LEGEND,
    )


def _kind(pair: PartPair) -> str:
    return pair.kind


def _robot(pair: PartPair) -> str:
    return '' if pair.robot is None else 'robot' if pair.robot else 'no robot'


def _by_class(measured: _ByClass) -> dict[str, dict[str, ClassMeasures]]:
    """Measures by class and predictor, of those by predictor and class."""
    classes = dict.fromkeys(name for each in measured.values() for name in each)
    return {one: {predictor: each[one] for predictor, each in measured.items()} for one in classes}


def _tables_by(what: str, measured: _ByClass, labels: Mapping[str, str]) -> list[Table]:
    if not measured:
        return []
    headings = {
        name: f'{name} ({next(iter(each.values())).pairs})' for name, each in measured.items()
    }
    rows: dict[str, dict[str, Cell]] = {
        label: {one: each[name].inside for one, each in measured.items()}
        for name, label in labels.items()
    }
    return [Table.of(f'Inside a part, by {what}', headings, rows)]
