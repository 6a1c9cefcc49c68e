# SPDX-License-Identifier: Apache-2.0
"""The table of an experiment, read from the files of its evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError
from afformer_core.evaluation.accuracy import RANDOM_ELEMENT
from afformer_core.evaluation.bootstrap import Estimate, interval_note
from afformer_core.evaluation.comparison import MODEL
from afformer_core.evaluation.model_measures import MEAN_MAP
from afformer_core.evaluation.report import SCHEMA
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.maskahand.experiment import Run

MEASURES = {'kld': 'KLD', 'nearest': 'nearest element', 'peak_inside': 'peak inside'}


def experiment_table(runs: Sequence[Run]) -> Table:
    """What each model of an experiment reaches, and what a predictor does that looks at nothing.

    Args:
        runs: at least one, whose evaluations have been written.

    Raises:
        AfformerError: an evaluation was written by another version.
    """
    measures = {run.label: _measures(run.result) for run in runs}
    first = next(iter(measures.values()))
    # The mean map has no peak.
    chance = first['predictors'].get(RANDOM_ELEMENT) or {}
    rows: dict[str, dict[str, Cell]] = {
        "same action's mean map": {
            'kld': _cell(first['predictors'][MEAN_MAP]['kld']),
            'nearest': _cell(chance.get('nearest')),
            'peak_inside': _cell(chance.get('peak_inside')),
        }
    }
    for label, each in measures.items():
        model = each['predictors'][MODEL]
        rows[label] = {name: _cell(model[name]) for name in MEASURES}
    return Table.of(
        'MaskAHand on simulated things',
        MEASURES,
        rows,
        (
            f'{first["pairs"]} pairs of {first["groups"]} things that no training shows. '
            f'{interval_note("things")}',
        ),
    )


def _measures(path: Path) -> Mapping[str, Any]:
    content = json.loads(path.read_text(encoding='utf-8'))
    schema = content.get('schema')
    if schema != SCHEMA:
        raise AfformerError(
            f'{path} has the schema {schema}; expected {SCHEMA}. Delete it, and run the '
            'experiment again to evaluate that model once more'
        )
    measures: Mapping[str, Any] = content['measures']
    return measures


def _cell(measure: Mapping[str, Any] | float | None) -> Cell:
    if not isinstance(measure, Mapping):
        return measure
    # Infinity is a text in JSON.
    bounds = {name: float(measure[name]) for name in ('value', 'low', 'high', 'confidence')}
    return Estimate(**bounds, count=measure['count'])
