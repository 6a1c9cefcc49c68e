# SPDX-License-Identifier: Apache-2.0
"""One evaluation of one model on one dataset: numbers and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from afformer_core.offline.evaluation.baseline_prior import BaselinePrior
from afformer_core.offline.evaluation.model_measures import (
    CENTER_BIAS,
    GAUSSIAN,
    MEAN_MAP,
    UNIFORM,
    ModelMeasures,
    measure_model,
)
from afformer_core.offline.evaluation.pairs.comparison import (
    EVERY_ELEMENT,
    MODEL,
    SINGLE_DEMONSTRATION,
)
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows, Pooling
from afformer_core.offline.evaluation.protocols.buttons_protocol import ButtonsProtocol
from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol
from afformer_core.offline.evaluation.tables.abstention import abstention_table
from afformer_core.offline.evaluation.tables.accuracy import (
    CONSTANT_ACTION,
    RANDOM_ELEMENT,
    accuracy_table,
    action_table,
    notes_on_actions,
    peak_table,
)
from afformer_core.offline.evaluation.tables.counterfactual_tables import demonstration_table
from afformer_core.offline.evaluation.tables.which_button import button_table
from afformer_core.offline.reports.named_numbers import to_json
from afformer_core.offline.reports.tables import Table
from afformer_core.runtime.presence import PresenceCalibration

SCHEMA, SCHEMA_OF_PARTS = 3, 4
"""Versions of the output of `EvaluationReport.to_json`, the second of pairs with outlined parts.

A name that changes its meaning or goes increments it.
"""

BESIDE_OTHERS = frozenset(('Accuracy', 'Best peak', 'Which button?'))
"""Titles of the tables with a row for each predictor; the other tables are only of the model."""

Fact = str | int | float

_NO_MEAN_MAPS = (
    "The row of the same action's mean map is missing, because it needs other images, and the "
    'annotations are of one image or scene. To compute it from other annotations, use '
    '--prior-annotations.'
)


@dataclass(frozen=True)
class ImageLegend:
    """The text above the images of a report.

    Attributes:
        title: content of the images, and the rule of their choice.
        note: explanation of the drawing.
    """

    title: str = 'Rows, chosen by KLD'
    note: str = (
        'Each heatmap is drawn relative to its maximum. Cross: best peak. Ground truth: '
        'annotated points, or the outlines of all elements with the demonstrated one in colour.'
    )


@dataclass(frozen=True)
class EvaluationReport:
    """One evaluation.

    Attributes:
        facts: facts about the evaluation, for display.
        measures: its numbers, a data class.
        tables: tables of the numbers.
        evaluated: the measures of the evaluated predictor, a data class, for the headline.
        images: the text above its images.
        schema: version of the names of its numbers, see `SCHEMA`.
    """

    facts: Mapping[str, str | int | float]
    measures: Any
    tables: tuple[Table, ...]
    evaluated: Any = None
    images: ImageLegend = ImageLegend()
    schema: int = SCHEMA

    def to_markdown(self) -> str:
        """Format the facts as a list, followed by the tables."""
        facts = [f'- {name}: {fact_text(value)}' for name, value in self.facts.items()]
        return '\n'.join(facts) + ''.join(f'\n\n{table.to_markdown()}' for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Return schema, facts and measures as plain JSON types; see `named_numbers.to_json`."""
        return {
            'schema': self.schema,
            'facts': to_json(self.facts),
            'measures': to_json(self.measures),
        }


def build_report(
    results: Sequence[PairResult],
    protocol: EvaluationProtocol,
    prior: BaselinePrior,
    action_names: Sequence[str],
    facts: Mapping[str, str | int | float],
    calibration: PresenceCalibration | None = None,
    seed: int = 0,
    *,
    progress: bool = True,
    pooled: PooledRows | None = None,
) -> EvaluationReport:
    """Build the report of a model and of baseline predictors.

    Args:
        results: results, at least one.
        protocol: protocol of the results.
        prior: prior for the baseline rows.
        action_names: names of the actions of the dataset.
        facts: facts about model and dataset, shown first.
        calibration: calibration of the model, or None.
        seed: seed of jitter and bootstrap.
        progress: show a progress bar on stderr.
        pooled: see `measure_model`.
    """
    measures = measure_model(
        results, protocol, prior, action_names, calibration, seed, progress=progress, pooled=pooled
    )
    labels = {
        MODEL: 'model',
        SINGLE_DEMONSTRATION: 'model, one demonstration at a time',
        **baseline_labels(prior, action_names),
    }
    notes = notes_on_actions(results[0].action_scores, action_names)
    if prior.mean_maps is None:
        notes = (*notes, _NO_MEAN_MAPS)
    if measures.pooling is not None:
        notes = (*notes, _note_on_pooling(measures.pooling, protocol.name))
    compared = protocol.name if pooled is None else pooled.protocol.name
    rows = [row for result in results for row in result.rows]
    tables = [
        accuracy_table(compared, measures.predictors, labels, notes),
        peak_table(measures.predictors, labels),
    ]
    if isinstance(protocol, ButtonsProtocol):
        tables.append(
            button_table(
                rows, measures.predictors, {**labels, RANDOM_ELEMENT: 'a button at random'}
            )
        )
    counted: dict[str, str | int | float] = {
        'protocol': compared,
        'pairs': measures.pairs,
        'scenes or images': measures.groups,
        'median milliseconds per image': measures.milliseconds_median,
    }
    return EvaluationReport(
        {**facts, **counted},
        measures,
        (*tables, *_tables_of_the_model(measures, compared, calibration)),
        measures.predictors[MODEL],
    )


def baseline_labels(prior: BaselinePrior, action_names: Sequence[str]) -> dict[str, str]:
    """Return the labels of the rows of baselines, by name.

    Args:
        prior: prior of a baseline.
        action_names: names of the actions of the dataset.
    """
    return {
        UNIFORM: 'uniform',
        GAUSSIAN: 'centred Gaussian, sigma 0.3',
        CENTER_BIAS: 'center bias',
        MEAN_MAP: prior.label,
        EVERY_ELEMENT: 'all elements alike',
        CONSTANT_ACTION: f'always {action_names[prior.constant_action]}',
        RANDOM_ELEMENT: 'an element at random',
    }


def _tables_of_the_model(
    measures: ModelMeasures,
    protocol: str,
    calibration: PresenceCalibration | None,
) -> list[Table]:
    tables = []
    if measures.demonstration_use is not None:
        tables.append(demonstration_table(measures.demonstration_use))
    if measures.abstention is not None:
        tables.append(abstention_table(measures.abstention, calibration))
    model = measures.predictors[MODEL]
    tables.append(action_table(protocol, model, measures.by_action))
    return tables


def _note_on_pooling(pooling: Pooling, protocol: str) -> str:
    mean = pooling.demonstrations / pooling.rows
    return (
        f'A row has one image, one action and {mean:.1f} demonstrations on average, '
        f'{pooling.demonstrations_of_a_row_most} at most; the measures of the model refer to '
        f'the mean of their heatmaps. One at a time: each demonstration is compared with the '
        f'ground truth of the row, and the mean is over the row. The tables about '
        f'demonstrations below use the protocol "{protocol}".'
    )


def fact_text(value: str | int | float) -> str:
    """Format the value of a fact as text."""
    return f'{value:.1f}' if isinstance(value, float) else str(value)
