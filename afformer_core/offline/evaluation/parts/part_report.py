# SPDX-License-Identifier: Apache-2.0
"""Tables of an evaluation on pairs with outlined parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from afformer_core.offline.evaluation.parts.contact_scores import contact_tables
from afformer_core.offline.evaluation.parts.part_confidence import confidence_tables
from afformer_core.offline.evaluation.parts.part_differences import part_difference_table
from afformer_core.offline.evaluation.parts.part_groups import GroupMeasures, group_tables
from afformer_core.offline.evaluation.parts.part_measures import ByClass, PartsMeasured
from afformer_core.offline.evaluation.report.report import (
    SCHEMA_OF_PARTS,
    EvaluationReport,
    ImageLegend,
)
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table

_POINTS = {
    'inside': 'inside a part',
    'inside_of_sources': 'mean over sources',
    'near': 'within 5 %',
    'within_size': 'within one size',
    'any_inside': 'three best: inside',
    'mass_inside': 'probability inside',
}
_VIDEOS = {
    'inside': 'inside',
    'other_inside': 'inside, another place',
    'nearby_inside': 'inside, another thing',
    'found': 'found',
    'other_found': 'found, another place',
    'nearby_found': 'found, another thing',
    'auroc': 'AUROC, another place',
    'nearby_auroc': 'AUROC, another thing',
}
_ANSWERS = {
    'answered': 'answered',
    'right_of_answered': 'right of these',
    'worst': 'worst source',
    'tap_answered': 'answered with one tap',
    'right_of_tap_answered': 'right of these',
}
_OF_GROUP = [field.name for field in fields(GroupMeasures)]
_LEGEND = ImageLegend(
    "Pairs, chosen by the model's distance from the parts",
    'Outlines: the parts. Cross: best peak. Ring: the marked contact. Each heatmap is drawn '
    'relative to its maximum; a similarity is drawn as the exponential of 20 times its value.',
)
_CONTACT = {
    'contact_close': 'within 2.5 %',
    'contact_first': 'within 5 %',
    'contact_of_3': 'one of 3 candidates within 5 %',
    'contact_of_5': 'one of 5',
}


def parts_report(
    measured: PartsMeasured,
    labels: Mapping[str, str],
    models: Sequence[str],
    facts: Mapping[str, str | int | float],
    notes: Sequence[str] = (),
) -> EvaluationReport:
    """Tables of the numbers.

    Args:
        measured: the numbers.
        labels: labels of the predictors, by name, in the order of the rows.
        models: names of the predictors that are models.
        facts: facts about models and data, shown first.
        notes: notes on the first table.
    """
    named = {label: measured.predictors[name] for name, label in labels.items()}
    of_models = {labels[name]: measured.predictors[name] for name in models}
    counted = {'pairs': measured.pairs, 'source videos': measured.source_videos}
    left_out = '; '.join(f'{name}: {reason}' for name, reason in measured.left_out.items())
    tables = [
        Table.of(
            'Parts',
            _POINTS,
            {label: vars(measures) for label, measures in named.items()},
            (
                'Best peak, or the best of three, inside an outlined part, or within 5 % of the '
                "image's diagonal or one size of one. A part's size is the square root of its "
                'area. mean over sources: of their shares inside. '
                f'{interval_note("source videos")}',
                *notes,
            ),
        ),
        Table.of(
            'Does the video determine the answer?',
            _VIDEOS,
            {
                label: vars(measures)
                for label, measures in named.items()
                if measures.auroc is not None
            },
            (
                'inside: within the parts that the own video of the pair shows. another place: a '
                'video of another source; another thing: another video of the same source. found: '
                'by the threshold of presence of the model. AUROC: distinction of own '
                'videos from others by presence (SIFT: by the matches that agree; matching: by '
                'the largest similarity).',
            ),
        ),
    ]
    if any(model.answered is not None for model in of_models.values()):
        tables.append(_answers_table(measured, {labels[name]: name for name in models}))
    if measured.differences:
        tables.append(part_difference_table(labels[models[0]], measured.differences))
    if any(model.action is not None for model in of_models.values()):
        actions: dict[str, dict[str, Cell]] = {
            **{label: {'action': model.action} for label, model in of_models.items()},
            f'always "{measured.constant_action}"': {'action': measured.constant_action_accepted},
        }
        note = 'accepted: the best action is among those that the pair accepts.'
        tables.append(Table.of('Actions', {'action': 'accepted'}, actions, (note,)))
    if any(model.contact_first is not None for model in of_models.values()):
        tables.append(
            Table.of(
                'Contact that the model reads in the first frame',
                _CONTACT,
                {label: vars(model) for label, model in of_models.items()},
                ('Distances from the mark in percent of the diagonal.',),
            )
        )
    if len(groups := _groups(measured)) > 1:
        tables += group_tables(groups, labels, models)
    tables += _tables_by('kind', measured.by_kind, labels)
    tables += _tables_by('robot in the target', measured.by_robot, labels)
    tables += confidence_tables(measured.confidence, labels)
    if measured.contacts is not None:
        tables += contact_tables(measured.contacts, {name: labels[name] for name in models})
    return EvaluationReport(
        {**facts, **counted, **({'left out': left_out} if left_out else {})},
        measured,
        tuple(tables),
        measured.predictors[models[0]],
        _LEGEND,
        SCHEMA_OF_PARTS,
    )


def _answers_table(measured: PartsMeasured, models: Mapping[str, str]) -> Table:
    """Build the table of answers of models, given their names by label."""
    rows: dict[str, dict[str, Cell]] = {}
    for label, name in models.items():
        rows[label] = {**vars(measured.predictors[name]), 'worst': None}
        source = measured.worst_source.get(name, '')
        if source and (right := measured.by_source[source].predictors[name].right_of_answered):
            rows[label]['worst'] = f'{source}: {right.value:.3f} of {right.count}'
    return Table.of(
        "Answers at the model's own threshold of certainty",
        _ANSWERS,
        rows,
        (
            'right: inside a part. with one tap: where the model is unsure, a person taps the '
            'offered contact that is nearest to the mark, if it is within 5 %. '
            f'{interval_note("source videos")}',
        ),
    )


def _groups(measured: PartsMeasured) -> dict[str, GroupMeasures]:
    """Collect the groups that are rows of tables: all pairs, folders and sources, if several."""
    groups = {'all': GroupMeasures(**{name: getattr(measured, name) for name in _OF_GROUP})}
    for measured_groups in (measured.by_folder, measured.by_source):
        groups |= measured_groups if len(measured_groups) > 1 else {}
    return groups


def _tables_by(what: str, measured: ByClass, labels: Mapping[str, str]) -> list[Table]:
    if not measured:
        return []
    headings = {
        name: f'{name} ({next(iter(models.values())).pairs})' for name, models in measured.items()
    }
    rows: dict[str, dict[str, Cell]] = {
        label: {group: groups[name].inside for group, groups in measured.items()}
        for name, label in labels.items()
    }
    return [Table.of(f'Inside a part, by {what}', headings, rows)]
