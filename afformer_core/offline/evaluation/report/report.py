# SPDX-License-Identifier: Apache-2.0
"""Evaluations of one model, or of several on the same pairs: numbers and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afformer_core.offline.evaluation.baselines import BaselinePrior
from afformer_core.offline.evaluation.metrics import Estimates
from afformer_core.offline.evaluation.model_differences import (
    ModelRows,
    difference_table,
    measure_differences,
)
from afformer_core.offline.evaluation.pairs.actions import notes_on_actions
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.pairs.pair_measures import (
    CENTER_BIAS,
    CONSTANT_ACTION,
    EVERY_ELEMENT,
    GAUSSIAN,
    MEAN_MAP,
    MODEL,
    RANDOM_ELEMENT,
    SINGLE_DEMONSTRATION,
    UNIFORM,
    measure_model,
)
from afformer_core.offline.evaluation.pairs.pair_tables import (
    TITLES,
    model_tables,
    predictor_tables,
)
from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows
from afformer_core.offline.evaluation.protocols import ProtocolRow, RowsProtocol
from afformer_core.offline.evaluation.report.examples import LEGEND
from afformer_core.offline.evaluation.report.tiles import RgbImage, image_source
from afformer_core.offline.reports.bootstrap import CONFIDENCE
from afformer_core.offline.reports.pages import write_page
from afformer_core.offline.reports.tables import Table, cell_text, to_json
from afformer_core.runtime.calibrations import PresenceCalibration

SCHEMA, SCHEMA_OF_PARTS = 3, 4
"""Versions of the output of `EvaluationReport.to_json`, the second of pairs with outlined parts.

A name that changes its meaning or goes increments it.
"""

BESIDE_OTHERS = frozenset(('Accuracy', 'Best peak', 'Which button?'))
"""Titles of the tables with a row for each predictor; the other tables are only of the model."""

Fact = str | int | float

_MODEL_KEY = 'models.'

_NO_MEAN_MAPS = (
    "The row of the same action's mean map is missing, because it needs other images, and the "
    'annotations are of one image or scene. To compute it from other annotations, use '
    '--prior-annotations.'
)


@dataclass(frozen=True)
class EvaluationReport:
    """One evaluation.

    Attributes:
        facts: facts about the evaluation, for display.
        measures: its numbers, by name.
        tables: tables of the numbers.
        schema: version of the names of its numbers, see `SCHEMA`.
    """

    facts: Mapping[str, Fact]
    measures: Any
    tables: tuple[Table, ...]
    schema: int = SCHEMA

    def to_markdown(self) -> str:
        """Format the facts as a list, followed by the tables."""
        facts = [f'- {name}: {fact_text(value)}' for name, value in self.facts.items()]
        return '\n'.join(facts) + ''.join(f'\n\n{table.to_markdown()}' for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Return schema, facts and measures as plain JSON types; see `tables.to_json`."""
        return {
            'schema': self.schema,
            'facts': to_json(self.facts),
            'measures': to_json(self.measures),
        }


@dataclass(frozen=True)
class BenchmarkReport:
    """The reports of the splits of the simulated benchmark by name, of one model."""

    reports: Mapping[str, EvaluationReport]

    def to_markdown(self) -> str:
        """Write each split's report."""
        return '\n\n'.join(
            f'## {split}\n\n{report.to_markdown()}' for split, report in self.reports.items()
        )

    def to_json(self) -> dict[str, Any]:
        """Return schema, and the reports of the splits by name, as plain JSON types."""
        splits = {split: report.to_json() for split, report in self.reports.items()}
        return {'schema': SCHEMA, 'splits': splits}


def build_report(
    results: Sequence[PairResult],
    protocol: RowsProtocol,
    prior: BaselinePrior,
    action_names: Sequence[str],
    facts: Mapping[str, Fact],
    calibration: PresenceCalibration | None = None,
    seed: int = 0,
    *,
    pooled: PooledRows | None = None,
) -> EvaluationReport:
    """Build the report of a model and of baseline predictors.

    Args:
        facts: facts about model and dataset, shown first.
        results, protocol, prior, action_names, calibration, seed, pooled: see
            `measure_model`.
    """
    measures = measure_model(
        results, protocol, prior, action_names, calibration, seed, pooled=pooled
    )
    labels = {
        MODEL: 'model',
        SINGLE_DEMONSTRATION: 'model, one demonstration at a time',
        **baseline_labels(prior, action_names),
    }
    notes = notes_on_actions(results[0].action_scores, action_names)
    if prior.mean_maps is None:
        notes = (*notes, _NO_MEAN_MAPS)
    rows: Sequence[ProtocolRow] = [row for result in results for row in result.rows]
    compared = protocol.name
    if pooled is not None:
        rows, compared = pooled.rows, pooled.protocol.name
        notes = (*notes, _note_on_pooling(pooled.pooling, protocol.name))
    predictors = measures['predictors']
    counted: dict[str, Fact] = {
        'protocol': compared,
        'pairs': measures['pairs'],
        'scenes or images': measures['groups'],
        'median milliseconds per image': measures['milliseconds_median'],
    }
    return EvaluationReport(
        {**facts, **counted},
        measures,
        (
            *predictor_tables(compared, predictors, labels, rows, notes),
            *model_tables(measures, compared, calibration),
        ),
    )


def baseline_labels(prior: BaselinePrior, action_names: Sequence[str]) -> dict[str, str]:
    """Return the labels of the rows of baselines, by name."""
    return {
        UNIFORM: 'uniform',
        GAUSSIAN: 'centred Gaussian, sigma 0.3',
        CENTER_BIAS: 'center bias',
        MEAN_MAP: prior.label,
        EVERY_ELEMENT: 'all elements alike',
        CONSTANT_ACTION: f'always {action_names[prior.constant_action]}',
        RANDOM_ELEMENT: 'an element at random',
    }


def _note_on_pooling(pooling: Mapping[str, Any], protocol: str) -> str:
    mean = pooling['demonstrations'] / pooling['rows']
    return (
        f'A row has one image, one action and {mean:.1f} demonstrations on average, '
        f'{pooling["demonstrations_of_a_row_most"]} at most; the measures of the model refer to '
        'the mean of their heatmaps. One at a time: each demonstration is compared with the '
        'ground truth of the row, and the mean is over the row. The tables about '
        f'demonstrations below use the protocol "{protocol}".'
    )


def build_compared_report(
    reports: Mapping[str, EvaluationReport],
    rows: Mapping[str, ModelRows],
    labels: Mapping[str, str],
    seed: int = 0,
) -> EvaluationReport:
    """Combine the numbers of several models, with their differences from the first.

    Args:
        reports: reports of each model alone, at least two by name.
        rows: rows of the same models in the same order.
        labels: labels of the rows of baselines.
        seed: seed of the bootstrap.

    Raises:
        ValueError: two models were measured on different rows, or with different protocols.
    """
    first, differences = next(iter(reports)), measure_differences(rows, seed)
    models = {name: report.measures for name, report in reports.items()}
    accuracy, *tables = _tables_of_all(models, rows[first], labels)
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
        {'first': first, 'models': models, 'differences': differences},
        (accuracy, _difference_table(first, differences), *tables, *own),
    )


def _tables_of_all(
    models: Mapping[str, Estimates], first: ModelRows, baseline_labels: Mapping[str, str]
) -> list[Table]:
    predictors: dict[str, Estimates] = {}
    labels = dict(baseline_labels)
    for name, model in models.items():
        for kind, suffix in ((MODEL, ''), (SINGLE_DEMONSTRATION, ', one demonstration at a time')):
            if kind in model['predictors']:
                predictors[f'{_MODEL_KEY}{name}{suffix}'] = model['predictors'][kind]
                labels[f'{_MODEL_KEY}{name}{suffix}'] = f'{name}{suffix}'
    predictors |= {
        name: baseline
        for name, baseline in next(iter(models.values()))['predictors'].items()
        if name not in (MODEL, SINGLE_DEMONSTRATION)
    }
    return predictor_tables(first.protocol, predictors, labels, first.rows)


def _difference_table(first: str, differences: Mapping[str, Estimates]) -> Table:
    notes = (
        f'Difference of the measures of each model from those of {first} on the same '
        'rows. A negative difference of KLD or of the peak error is better; for the other '
        'measures, a positive one is better. rows better: share of rows with a lower KLD than '
        f'that of {first}; rows whose KLD differs by less than the least difference '
        'count half.',
        f'Intervals: {100 * CONFIDENCE:g} %, bootstrapped over scenes (images if the data names '
        'none), the same for both models. A measure distinguishes the two models if its whole '
        'interval is farther from 0 than the least difference; rows better, if farther from 0.5.',
    )
    names = next(iter(differences.values()))
    headings = {name: title for name, title in TITLES.items() if name in names}
    return difference_table(first, differences, {'better_rows': 'rows better', **headings}, notes)


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


def fact_text(value: Fact) -> str:
    """Format the value of a fact as text."""
    return f'{value:.1f}' if isinstance(value, float) else str(value)


_TEMPLATE = Path(__file__).with_name('templates') / 'evaluation.html'
# Labels of the main rows of tables.
_EMPHASIZED = ('model', 'all')


def write_report(path: Path, report: EvaluationReport, examples: Mapping[str, RgbImage]) -> None:
    """Write the page atomically.

    Args:
        path: path of the file.
        report: facts, measures and tables.
        examples: images to show, by caption (see `draw_examples`).
    """
    model = Path(str(report.facts.get('model', 'a model'))).name
    what = report.facts.get('models') or model
    write_page(
        path,
        _TEMPLATE,
        title=f'Evaluation of {what}',
        facts={name: fact_text(value) for name, value in report.facts.items()},
        tables=report.tables,
        emphasized=_EMPHASIZED,
        examples=examples,
        legend=LEGEND,
        cell_text=cell_text,
        image_source=image_source,
    )
