# SPDX-License-Identifier: Apache-2.0
"""Tables of an evaluation on pairs with outlined parts, and on clips with marked contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.model_differences import difference_table
from afformer_core.offline.evaluation.parts.contact_scores import CENTRE
from afformer_core.offline.evaluation.parts.part_measures import COMPARED, RIGHT_SHARE
from afformer_core.offline.evaluation.report.report import SCHEMA_OF_PARTS, EvaluationReport, Fact
from afformer_core.offline.reports.bootstrap import interval_note
from afformer_core.offline.reports.tables import Cell, Table

_INTERVALS = interval_note('source videos')
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
    'tap_answered': 'answered with one tap',
    'right_of_tap_answered': 'right of these',
}
_CONTACT = {
    'contact_close': 'within 2.5 %',
    'contact_first': 'within 5 %',
    'contact_of_3': 'one of 3 candidates within 5 %',
    'contact_of_5': 'one of 5',
}
_OF_GROUPS = {
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
_CONFIDENCE = {
    'separation': 'AUROC of right points',
    'coverage': 'answered',
    'right_of_answered': 'right of these',
}
_CLIPS = {
    'close': 'within 2.5 %',
    'near': 'within 5 %',
    'of_3': 'one of 3 candidates within 5 %',
    'of_5': 'one of 5',
    'other_hand': 'of the other hand, within 5 %',
    'moment_error': 'median error of the moment, seconds',
}


def parts_report(
    measured: Estimates,
    labels: Mapping[str, str],
    models: Sequence[str],
    facts: Mapping[str, Fact],
    notes: Sequence[str] = (),
) -> EvaluationReport:
    """Build the report of the numbers of `measure_all`.

    Args:
        measured: the numbers.
        labels: labels of the predictors, by name, in the order of the rows.
        models: names of the predictors that are models.
        facts: facts about models and data, shown first.
        notes: notes on the first table.
    """
    of_models = {labels[name]: measured['predictors'][name] for name in models}
    left_out = '; '.join(f'{name}: {reason}' for name, reason in measured['left_out'].items())
    counted = {'pairs': measured['pairs'], 'source videos': measured['source_videos']}
    tables = _tables_of_points(measured, labels, notes)
    if _is_measured('answered', of_models):
        tables.append(_answers_table(of_models))
    if measured['differences']:
        tables.append(_difference_table(labels[models[0]], measured['differences']))
    if _is_measured('action', of_models):
        constant = measured['constant_action_accepted']
        actions = {**of_models, f'always "{measured["constant_action"]}"': {'action': constant}}
        note = 'accepted: the best action is among those that the pair accepts.'
        tables.append(Table.of('Actions', {'action': 'accepted'}, actions, (note,)))
    if _is_measured('contact_first', of_models):
        title = 'Contact that the model reads in the first frame'
        note = 'Distances from the mark in percent of the diagonal.'
        tables.append(Table.of(title, _CONTACT, of_models, (note,)))
    if len(groups := _groups(measured)) > 1:
        tables += group_tables(groups, labels, models)
    tables += confidence_tables(measured['confidence'], labels)
    if measured['contacts'] is not None:
        tables += contact_tables(measured['contacts'], {name: labels[name] for name in models})
    return EvaluationReport(
        {**facts, **counted, **({'left out': left_out} if left_out else {})},
        measured,
        tuple(tables),
        SCHEMA_OF_PARTS,
    )


def _is_measured(name: str, rows: Mapping[str, Estimates]) -> bool:
    return any(row.get(name) is not None for row in rows.values())


def _tables_of_points(
    measured: Estimates, labels: Mapping[str, str], notes: Sequence[str]
) -> list[Table]:
    named = {label: measured['predictors'][name] for name, label in labels.items()}
    with_presence = {
        label: measures for label, measures in named.items() if measures['auroc'] is not None
    }
    return [
        Table.of(
            'Parts',
            _POINTS,
            named,
            (
                'Best peak, or the best of three, inside an outlined part, or within 5 % of the '
                "image's diagonal or one size of one. A part's size is the square root of its "
                f'area. mean over sources: of their shares inside. {_INTERVALS}',
                *notes,
            ),
        ),
        Table.of(
            'Does the video determine the answer?',
            _VIDEOS,
            with_presence,
            (
                'inside: within the parts that the own video of the pair shows. another place: a '
                'video of another source; another thing: another video of the same source. found: '
                'by the threshold of presence of the model. AUROC: distinction of own '
                'videos from others by presence (SIFT: by the matches that agree; matching: by '
                'the largest similarity).',
            ),
        ),
    ]


def _answers_table(rows: Mapping[str, Estimates]) -> Table:
    return Table.of(
        "Answers at the model's own threshold of certainty",
        _ANSWERS,
        rows,
        (
            'right: inside a part. with one tap: where the model is unsure, a person taps the '
            f'offered contact that is nearest to the mark, if it is within 5 %. {_INTERVALS}',
        ),
    )


def _difference_table(first: str, differences: Mapping[str, Estimates]) -> Table:
    notes = (
        f"Difference of each model's measure from that of {first} on the same pairs.",
        f'{_INTERVALS} A measure distinguishes the two models if its whole '
        'interval is farther from 0 than the least difference.',
    )
    return difference_table(first, differences, COMPARED, notes)


def _groups(measured: Estimates) -> dict[str, Estimates]:
    """Collect the groups that are rows of tables: all pairs, folders and sources, if several."""
    groups = {'all': measured}
    for grouped in (measured['by_folder'], measured['by_source']):
        groups |= grouped if len(grouped) > 1 else {}
    return groups


def group_tables(
    groups: Mapping[str, Estimates], labels: Mapping[str, str], models: Sequence[str]
) -> list[Table]:
    """Build tables with a row for each group: all measures of each model, then all predictors.

    Args:
        groups: groups by name, at least one.
        labels: labels of the predictors, by name.
        models: names of the predictors that are models.
    """
    counted = {f'{name} ({group["pairs"]})': group for name, group in groups.items()}
    note = (
        'The number of pairs is in parentheses. A size is the square root of the area of the '
        'part. The contact is read in the first frame of the clip; 2.5 % and 5 % refer to the '
        'diagonal. The best constant action is the one that most of the pairs accept. '
        f'{_INTERVALS}'
    )
    tables = []
    for model in models:
        rows: dict[str, dict[str, Cell]] = {}
        for name, group in counted.items():
            accepted = group['constant_action_accepted']
            constant = accepted and f'{group["constant_action"]} {accepted.value:.3f}'
            rows[name] = {**group['predictors'][model], 'constant_action': constant}
        columns = {name: text for name, text in _OF_GROUPS.items() if _is_measured(name, rows)}
        tables.append(Table.of(f'By folder and source: {labels[model]}', columns, rows, (note,)))
    for measure, title in (
        ('inside', 'Inside a part'),
        ('within_size', 'Within one size of a part'),
    ):
        rows = {
            name: {label: group['predictors'][label][measure] for label in labels}
            for name, group in counted.items()
        }
        tables.append(Table.of(f'{title}, by folder and source', labels, rows))
    return tables


def confidence_tables(
    measured: Mapping[str, Mapping[str, Estimates]], labels: Mapping[str, str]
) -> list[Table]:
    """Build the table of scores of confidence; no table without scores.

    Args:
        measured: measures by predictor and score.
        labels: labels of the predictors, by name.
    """
    rows = {
        f'{labels[predictor]}: {name.replace("_", " ")}': measures
        for predictor, scores in measured.items()
        for name, measures in scores.items()
    }
    if not rows:
        return []
    title = f'Selection of right points by confidence, for {100 * RIGHT_SHARE:g} % right'
    note = (
        'Right: the best point is inside a part. answered: the score reaches a threshold '
        f'that was chosen for {100 * RIGHT_SHARE:g} % of the answers to be right, for the '
        f'pairs of each source on those of the other sources. {_INTERVALS}'
    )
    return [Table.of(title, _CONFIDENCE, rows, (note,))]


def contact_tables(measured: Estimates, labels: Mapping[str, str]) -> list[Table]:
    """Build the tables of contacts: of all readers, and of each model by source.

    Args:
        measured: numbers of `measure_contacts`.
        labels: labels of the models, by name.
    """
    names = {**labels, CENTRE: 'centre of the frame'}
    readers, sources = measured['readers'], measured['by_source']
    left_out = f'{measured["left_out"]} clips that are also clips of pairs are left out.'
    notes = (
        'Contact that is read in the first frame of the clip, by its distance from the mark in '
        'percent of its diagonal. Of the other hand: within 5 % of a point that the other hand '
        f'touches and not of the mark; such an answer also fits the clip. {_INTERVALS}',
        *([left_out] if measured['left_out'] else []),
    )
    rows = {names[name]: _contact_row(reader, name) for name, reader in readers.items()}
    tables = [Table.of(f'Contact in {readers[CENTRE]["clips"]} clips', _CLIPS, rows, notes)]
    for model in readers:
        if model != CENTRE and len(sources) > 1:
            rows = {
                f'{source} ({own[model]["clips"]})': _contact_row(own[model], model)
                for source, own in sources.items()
            }
            tables.append(Table.of(f'Contact by source: {names[model]}', _CLIPS, rows))
    return tables


def _contact_row(measures: Estimates, reader: str) -> dict[str, Cell]:
    unread = reader != CENTRE and measures['moment_error'] is None
    return {**measures, **({'moment_error': 'not predicted'} if unread else {})}


_COLUMNS = {
    'inside': 'inside a part',
    'within_size': 'within one size',
    'near': 'within 5 %',
    'other_inside': 'inside, another place',
    'nearby_inside': 'inside, another thing',
    'auroc': 'presence AUROC',
    'contact_first': 'contact within 5 %',
    'moment_error': 'moment, seconds off',
    'action': 'action accepted',
    'coverage': 'answered',
    'right_of_answered': 'right of these',
}
# Scores of confidence by which the answers of a system are ordered, the preferred one first.
_PREFERRED_SCORES = ('certainty', 'confidence')


def benchmark_table(measured: Estimates, labels: Mapping[str, str]) -> Table:
    """Build the table of the benchmark.

    Args:
        measured: numbers of `measure_all`.
        labels: labels of the systems and baselines by name, in the order of the rows.
    """
    readers = {} if measured['contacts'] is None else measured['contacts']['readers']
    rows: dict[str, dict[str, Cell]] = {}
    for name, label in labels.items():
        scores = measured['confidence'].get(name, {})
        preferred = [*(score for score in _PREFERRED_SCORES if score in scores), *scores]
        answers = scores[preferred[0]] if preferred else {}
        rows[label] = {
            **measured['predictors'][name],
            'moment_error': readers.get(name, {}).get('moment_error'),
            'coverage': answers.get('coverage'),
            'right_of_answered': answers.get('right_of_answered'),
        }
    constant = measured['constant_action_accepted']
    rows[f'always "{measured["constant_action"]}"'] = {'action': constant}
    return Table.of(
        'Demonstration to image',
        _COLUMNS,
        rows,
        (
            'inside, another place or thing: the best point is inside the parts that the own '
            'video shows, although one of another source, or another one of the same source, was '
            'given; lower is better. contact: in the first frame. moment: median, on clips with '
            'marked contacts. answered: the confidence reaches a threshold that was chosen on '
            f'other sources for {100 * RIGHT_SHARE:g} % right. {interval_note("source videos")}',
        ),
    )
