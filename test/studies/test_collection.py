# SPDX-License-Identifier: Apache-2.0
"""The lines of a table come from the files of its trainings and evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from afformer_core.offline.evaluation.report.report import SCHEMA
from studies.collection import collect
from studies.files import StudyFiles
from studies.settings import StudySettings

CONFIGURATION = """
trainer: {max_steps: 300}
data: {init_args: {batch_size: 12, targets: 3}}
"""


def evaluation(kld: float, baseline: float = 2.5, schema: int = SCHEMA) -> dict[str, Any]:
    estimate = {'low': 0.0, 'high': 9.0, 'count': 150, 'confidence': 0.95}
    rest = {'sim': {'value': 0.25, **estimate}, 'auc_j': None}
    peaks = {'peak_inside': {'value': 0.5, **estimate}, 'nearest': {'value': 0.75, **estimate}}
    return {
        'schema': schema,
        'measures': {
            'pairs': 150,
            'predictors': {
                'model': {'kld': {'value': kld, **estimate}, **rest, **peaks},
                'uniform': {'kld': {'value': 3.0, **estimate}, **rest},
                'action_mean_map': {'kld': {'value': baseline, **estimate}, **rest},
            },
        },
    }


@pytest.fixture
def files(study: StudySettings, tmp_path: Path) -> StudyFiles:
    """All that was made for two models and two seeds."""
    files = StudyFiles(tmp_path)
    for number, name in enumerate(study.models):
        for seed in study.seeds:
            made = {'commit': f'c{seed}', 'machine': 'cpu', 'date': '2026-11-28'}
            contents = {
                files.configuration(name, seed): CONFIGURATION,
                files.provenance(name, seed): json.dumps(made),
                files.evaluation(name, seed): json.dumps(evaluation(1.0 + number + seed / 4)),
            }
            for path, content in contents.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
    return files


def test_a_line_for_each_row_and_seed_after_the_baseline_ones(
    study: StudySettings, files: StudyFiles
) -> None:
    lines = collect(study, 'table_1', files)

    assert [(line.row, line.seed, line.kld, line.paper_kld) for line in lines] == [
        ('uniform (baseline)', None, 3.0, None),
        ('mean map of the action (baseline)', None, 2.5, None),
        ('zero-shot', 0, 1.0, 2.36),
        ('zero-shot', 1, 1.25, 2.36),
        ('fine-tuned', 0, 2.0, 1.48),
        ('fine-tuned', 1, 2.25, 1.48),
    ]
    assert [line.pairs_trained for line in lines] == [None, None, *[10800] * 4]
    last = lines[-1]
    assert (last.peak_inside, last.nearest, last.auc_j, last.test_pairs) == (0.5, 0.75, None, 150)
    assert (last.commit, last.machine, last.date) == ('c1', 'cpu', '2026-11-28')


def test_evaluations_of_other_pairs_are_not_put_together(
    study: StudySettings, files: StudyFiles
) -> None:
    files.evaluation('tuned', 1).write_text(json.dumps(evaluation(2.0, baseline=2.75)))

    with pytest.raises(ValueError, match='has different test pairs from the earlier evaluations'):
        collect(study, 'table_1', files)


def test_another_schema_is_refused(study: StudySettings, files: StudyFiles) -> None:
    files.evaluation('tuned', 1).write_text(json.dumps(evaluation(2.0, schema=2)))

    with pytest.raises(ValueError, match=r'has the schema 2; expected 3\. Delete it'):
        collect(study, 'table_1', files)
