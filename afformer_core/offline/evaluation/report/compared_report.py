# SPDX-License-Identifier: Apache-2.0
"""One evaluation of several models on the same pairs: numbers and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from afformer_core.offline.evaluation.least_differences import difference_table
from afformer_core.offline.evaluation.model_differences import (
    ModelDifference,
    ModelRows,
    measure_differences,
)
from afformer_core.offline.evaluation.model_measures import ModelMeasures
from afformer_core.offline.evaluation.pairs.comparison import MODEL, SINGLE_DEMONSTRATION
from afformer_core.offline.evaluation.report.report import BESIDE_OTHERS, EvaluationReport, Fact
from afformer_core.offline.evaluation.tables.accuracy import (
    ACTION_COLUMNS,
    RANDOM_ELEMENT,
    accuracy_table,
    peak_table,
)
from afformer_core.offline.evaluation.tables.estimates import (
    TITLES,
    PredictorMeasures,
)
from afformer_core.offline.evaluation.tables.which_button import BUTTON_COLUMNS, button_table
from afformer_core.offline.reports.bootstrap import CONFIDENCE
from afformer_core.offline.reports.tables import Table

# Columns of differences in a table, shown if any model has them.
_MEASURES = {
    'better_rows': 'rows better',
    **TITLES,
    **ACTION_COLUMNS,
    'which_button': BUTTON_COLUMNS['which_button'],
}
_MODEL_KEY = 'models.'


@dataclass(frozen=True)
class ComparedMeasures:
    """Every number of several models on the same pairs.

    Attributes:
        first: name of the reference model.
        models: the numbers of each model, by name.
        differences: differences of the other models from the first, by name.
    """

    first: str
    models: Mapping[str, ModelMeasures]
    differences: Mapping[str, ModelDifference]


def build_compared_report(
    reports: Mapping[str, EvaluationReport],
    rows: Mapping[str, ModelRows],
    baseline_labels: Mapping[str, str],
    seed: int = 0,
) -> EvaluationReport:
    """Combine the numbers of several models, with their differences from the first.

    Args:
        reports: reports of each model alone, at least two by name.
        rows: rows of the same models in the same order.
        baseline_labels: labels of the rows of baselines.
        seed: seed of the bootstrap.

    Raises:
        ValueError: two models were measured on different rows, or with different protocols.
    """
    measures = ComparedMeasures(
        next(iter(reports)),
        {name: report.measures for name, report in reports.items()},
        measure_differences(rows, seed),
    )
    accuracy, *tables = _tables_of_all(measures, rows[measures.first], baseline_labels)
    accuracy = replace(accuracy, notes=_notes(accuracy.title, reports))
    own = [
        replace(table, title=f'{name}: {table.title}')
        for name, report in reports.items()
        for table in report.tables
        if table.title not in BESIDE_OTHERS
    ]
    facts = {name: report.facts for name, report in reports.items()}
    return EvaluationReport(
        {'models': ', '.join(reports), **facts_of_models(facts)},
        measures,
        (accuracy, *tables, *own),
    )


def _tables_of_all(
    measures: ComparedMeasures, first: ModelRows, baseline_labels: Mapping[str, str]
) -> list[Table]:
    predictors: dict[str, PredictorMeasures] = {}
    labels = dict(baseline_labels)
    for name, model in measures.models.items():
        for kind, suffix in ((MODEL, ''), (SINGLE_DEMONSTRATION, ', one demonstration at a time')):
            if kind in model.predictors:
                predictors[f'{_MODEL_KEY}{name}{suffix}'] = model.predictors[kind]
                labels[f'{_MODEL_KEY}{name}{suffix}'] = f'{name}{suffix}'
    baselines = measures.models[measures.first].predictors
    predictors |= {
        name: baseline
        for name, baseline in baselines.items()
        if name not in (MODEL, SINGLE_DEMONSTRATION)
    }
    tables = [
        accuracy_table(first.protocol, predictors, labels),
        peak_table(predictors, labels),
    ]
    if first.of_buttons:
        buttons = {**labels, RANDOM_ELEMENT: 'a button at random'}
        tables.append(button_table(first.rows, predictors, buttons))
    return [tables[0], _difference_table(measures), *tables[1:]]


def _difference_table(measures: ComparedMeasures) -> Table:
    notes = (
        f'Difference of the measures of each model from those of {measures.first} on the same '
        'rows. A negative difference of KLD or of the peak error is better; for the other '
        'measures, a positive one is better. rows better: share of rows with a lower KLD than '
        f'that of {measures.first}; rows whose KLD differs by less than the least difference '
        'count half.',
        f'Intervals: {100 * CONFIDENCE:g} %, bootstrapped over scenes (images if the data names '
        'none), the same for both models. A measure distinguishes the two models if its whole '
        'interval is farther from 0 than the least difference; rows better, if farther from 0.5.',
    )
    differences = {name: vars(difference) for name, difference in measures.differences.items()}
    return difference_table(measures.first, differences, _MEASURES, notes)


def _notes(title: str, reports: Mapping[str, EvaluationReport]) -> tuple[str, ...]:
    """Collect the notes of the models' tables with a title, with names if not all have one."""
    notes = {
        name: [note for table in report.tables if table.title == title for note in table.notes]
        for name, report in reports.items()
    }
    told = (
        note if all(note in note_text for note_text in notes.values()) else f'{name}: {note}'
        for name, its in notes.items()
        for note in its
    )
    return tuple(dict.fromkeys(told))


def facts_of_models(facts_by_model: Mapping[str, Mapping[str, Fact]]) -> dict[str, Fact]:
    """Collect shared facts once, and different facts for each model.

    Args:
        facts_by_model: the same facts of each model, at least one by name.
    """
    collected: dict[str, Fact] = {}
    for fact in next(iter(facts_by_model.values())):
        values = {name: facts[fact] for name, facts in facts_by_model.items()}
        if len(set(values.values())) == 1:
            collected[fact] = next(iter(values.values()))
        else:
            collected |= {f'{fact}, {name}': value for name, value in values.items()}
    return collected
