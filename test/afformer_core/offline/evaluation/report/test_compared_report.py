# SPDX-License-Identifier: Apache-2.0
"""Several models beside each other: by hand, and by the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from afformer_core.cli.evaluation.on_pairs import name_models
from afformer_core.cli.main import main
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.evaluation.baselines import BaselinePrior
from afformer_core.offline.evaluation.metrics import concatenate
from afformer_core.offline.evaluation.model_differences import ModelRows
from afformer_core.offline.evaluation.pairs.actions import hit_actions
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.offline.evaluation.report.report import (
    EvaluationReport,
    baseline_labels,
    build_compared_report,
    build_report,
)
from afformer_core.runtime.weights import save_model

NAMES = ('press', 'hold')
pytestmark = pytest.mark.usefixtures('few_draws')
PRIOR = BaselinePrior(None, '', 1)


def compared(models: dict[str, Sequence[PairResult]], **facts: str) -> EvaluationReport:
    protocol = RowsProtocol((32, 32))
    reports, rows = {}, {}
    for name, results in models.items():
        told = {'annotations': 'test.json', 'model': f'models/{name}', **facts}
        reports[name] = build_report(results, protocol, PRIOR, NAMES, told)
        rows[name] = ModelRows(
            protocol.name,
            [row for result in results for row in result.rows],
            concatenate([result.scores for result in results]),
            hit_actions(results, NAMES),
        )
    return build_compared_report(reports, rows, baseline_labels(PRIOR, NAMES))


@pytest.fixture
def report(results: list[PairResult]) -> EvaluationReport:
    """B has twice the KLD of A, and says the fourth action right."""
    others = [
        replace(each, scores={**each.scores, 'kld': 2 * each.scores['kld']}) for each in results
    ]
    others[3] = replace(others[3], action_scores={'hold': 0.9, 'press': 0.1})
    return compared({'A': results, 'B': others})


def test_numbers_of_each_model_and_differences_by_name(report: EvaluationReport) -> None:
    measures = report.to_json()['measures']
    assert measures['first'] == 'A'
    klds = {
        name: each['predictors']['model']['kld']['value']
        for name, each in measures['models'].items()
    }
    assert klds == {'A': 1.0, 'B': 2.0}
    (difference,) = measures['differences'].values()
    assert difference['kld']['value'] == 1.0
    assert difference['top_1']['value'] == 0.25
    assert difference['better_rows']['value'] == 0
    assert difference['peak_inside']['value'] == 0
    assert difference['which_button'] is None


def test_tables(report: EvaluationReport) -> None:
    accuracy, difference, peaks, *own = report.tables
    assert list(accuracy.rows) == [
        'A', 'B', 'uniform', 'centred Gaussian, sigma 0.3', 'all elements alike',
        'always hold',
    ]  # fmt: skip
    assert difference.title == 'Difference to A'
    assert (report.facts['models'], report.facts['model, B']) == ('A, B', 'models/B')
    assert (report.facts['annotations'], 'model' in report.facts) == ('test.json', False)
    assert difference.columns == ('B',)
    assert list(difference.rows) == [
        'rows better', 'KLD', 'SIM', 'AUC-J', 'hit rate', 'mean peak error, %', 'peak inside',
        'nearest', 'Top-1', 'balanced accuracy',
    ]  # fmt: skip
    assert list(peaks.rows)[:2] == ['A', 'B']
    titles = [table.title for table in own]
    assert 'A: Does the demonstration determine the answer?' in titles
    assert 'B: By action' in titles
    assert not [title for title in titles if 'Best peak' in title]


def test_a_sentence_says_what_tells_the_models_apart(
    report: EvaluationReport, results: list[PairResult]
) -> None:
    notes = report.tables[1].notes
    assert notes[0] == 'B and A are distinguished by: rows better, KLD.'
    assert notes[-1].startswith('Least differences that count: 0.005 of SIM, AUC-J; 0.01 of rows')

    same = compared({'A': results, 'B': results}).tables[1].notes
    assert same[0] == 'No measure distinguishes B and A.'


def test_a_note_of_one_model_says_of_which(results: list[PairResult]) -> None:
    silent = [replace(each, action_scores={}) for each in results]
    accuracy = compared({'A': results, 'B': silent}).tables[0]
    assert 'B: Actions are not measured: the model scores none.' in accuracy.notes
    assert len([note for note in accuracy.notes if 'protocol' in note]) == 1


@pytest.fixture(scope='module')
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('other')
    torch.manual_seed(1)
    save_model(folder, Afformer(afformer_small(NAMES, (64, 64))), {})
    return folder


@pytest.mark.slow
def test_the_command_measures_models_on_the_same_pairs(
    scenes: Path,
    model_folder: Path,
    other_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, page = tmp_path / 'numbers.json', tmp_path / 'page.html'
    words = ['evaluate', str(model_folder), str(other_model), '--annotations', str(scenes)]
    words += ['--threads', '1', '--limit', '2', '--backend', 'torch']
    assert main([*words, '--json', str(file), '--report', str(page)]) == 0

    first, other = model_folder.name, other_model.name
    assert f'### Difference to {first}' in capsys.readouterr().out
    measures = json.loads(file.read_text())['measures']
    alone = {
        name: each['predictors']['model']['kld']['value']
        for name, each in measures['models'].items()
    }
    assert list(alone) == [first, other]
    assert measures['differences'][other]['kld']['value'] == pytest.approx(
        alone[other] - alone[first]
    )
    text = page.read_text()
    assert f'Evaluation of {first}, {other}' in text
    assert text.count('<img') == 4
    assert text.count(f'<figcaption>test/0, press: KLD of {first} ') == 1


def test_models_are_named_as_shortly_as_tells_them_apart() -> None:
    assert list(name_models([Path('x/full'), Path('y/small')])) == ['full', 'small']
    assert list(name_models([Path('x/full'), Path('y/full')])) == ['x/full', 'y/full']
