# SPDX-License-Identifier: Apache-2.0
"""The results of a table, collected from the files of its trainings and evaluations.

Snakemake runs this in its own environment, so this module does not import `afformer_core`;
docs/reference/evaluation_json.md lists the names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from studies.files import StudyFiles
from studies.results import StudyResult
from studies.settings import StudySettings

_SCHEMA = 3
_MODEL = 'model'
# Baselines that ignore the image; their measures are the same for every model of a table.
_BASELINE = {
    'uniform': 'uniform (baseline)',
    'action_mean_map': 'mean map of the action (baseline)',
}


def collect(study: StudySettings, table: str, files: StudyFiles) -> tuple[StudyResult, ...]:
    """Collect the lines of a table: the baselines, then each row for each seed.

    Args:
        study: settings with the table.
        table: name of the table.
        files: paths of the trainings and evaluations.

    Raises:
        ValueError: an evaluation is from another version, or of other test pairs.
    """
    lines: list[StudyResult] = []
    baselines: dict[str, dict[str, Any]] = {}
    for row in study.tables[table].rows:
        for seed in study.seeds:
            measures = _measures(files.evaluation(row.model, seed))
            made = _read_json(files.provenance(row.model, seed))
            lines.append(
                StudyResult(
                    table=table,
                    row=row.label,
                    paper_kld=row.paper_kld,
                    seed=seed,
                    pairs_trained=_pairs_trained(files.configuration(row.model, seed)),
                    **_numbers(measures, _MODEL),
                    **made,
                )
            )
            beside = {label: _numbers(measures, name) for name, label in _BASELINE.items()}
            if (baselines := baselines or beside) != beside:
                raise ValueError(
                    f'{files.evaluation(row.model, seed)} has different test pairs from the '
                    f'earlier evaluations; expected the same. Delete the folder of evaluations'
                )
    unseen: dict[str, Any] = {'paper_kld': None, 'seed': None, 'pairs_trained': None}
    heads = [
        StudyResult(table=table, row=label, **unseen, **numbers, **made)
        for label, numbers in baselines.items()
    ]
    return (*heads, *lines)


def _measures(path: Path) -> Mapping[str, Any]:
    content = _read_json(path)
    if content.get('schema') != _SCHEMA:
        raise ValueError(
            f'{path} has the schema {content.get("schema")}; expected {_SCHEMA}. Delete it'
        )
    measures: Mapping[str, Any] = content['measures']
    return measures


def _numbers(measures: Mapping[str, Any], predictor: str) -> dict[str, Any]:
    found = measures['predictors'][predictor]
    names = ('kld', 'sim', 'auc_j', 'peak_inside', 'nearest')
    values = {name: _value(found.get(name)) for name in names}
    return {**values, 'test_pairs': measures['pairs']}


def _value(measure: Mapping[str, Any] | float | None) -> float | None:
    value = measure['value'] if isinstance(measure, Mapping) else measure
    # Infinity is text in JSON.
    return None if value is None else float(value)


def _pairs_trained(configuration: Path) -> int:
    settings = yaml.safe_load(configuration.read_text(encoding='utf-8'))
    data = settings['data']['init_args']
    return int(settings['trainer']['max_steps'] * data['batch_size'] * data['targets'])


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    return content
