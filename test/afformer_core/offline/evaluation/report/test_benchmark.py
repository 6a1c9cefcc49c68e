# SPDX-License-Identifier: Apache-2.0
"""The simulated benchmark's table and its numbers by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from afformer_core.offline.evaluation.baselines import BaselinePrior, uniform
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.offline.evaluation.report.benchmark import SPLITS, BenchmarkReport
from afformer_core.offline.evaluation.report.report import EvaluationReport, build_report
from afformer_core.offline.reports.tables import to_json
from afformer_core.runtime.presence import PresenceCalibration

pytestmark = pytest.mark.usefixtures('few_draws')
CALIBRATION = PresenceCalibration(0.0, 20.0, -14.0, 0.8, 0.9, 40, 'validation.json', 'ab12')


@pytest.fixture
def report(results: Sequence[PairResult]) -> EvaluationReport:
    protocol = RowsProtocol((32, 32))
    prior = BaselinePrior(uniform((32, 32)), "same action's mean map", 1)
    return build_report(
        results[:3], protocol, prior, ('press', 'hold'), {}, CALIBRATION, progress=False
    )


def test_the_table_tells_the_model_beside_what_is_baseline(report: EvaluationReport) -> None:
    other = replace(report, measures={**report.measures, 'pairs': 5})
    reports = dict.fromkeys(SPLITS, report) | {'test-unseen': other}
    table = BenchmarkReport(reports).table()

    assert table.columns == ('model', 'baseline')
    cells = {
        label: [None if cell is None else round(getattr(cell, 'value', cell), 3) for cell in row]
        for label, row in table.rows.items()
    }
    share = 1.0 / report.measures['predictors']['uniform']['kld'].value
    assert cells == {
        "test-seen: KLD, as a share of the same action's mean map's": [round(share, 3), None],
        'test-seen: peak inside the demonstrated element': [0.667, 0.5],
        'test-seen: nearest element is the right one': [0.667, 0.5],
        'test-seen: action, balanced accuracy': [1.0, 0.5],
        "test-seen: another element's video: peak still inside the first": [0.0, None],
        "test-seen: another element's video: peak inside the other": [0.667, None],
        'test-unseen: peak inside the demonstrated element': [0.667, 0.5],
        'test-buttons: nearest button is the right one': [0.667, 0.5],
        'test-absent: distinction of other objects from the demonstrated one, AUROC': [
            0.889,
            None,
        ],
        'test-absent: pairs of the demonstrated object that are found': [0.667, None],
    }
    assert table.notes == (
        'Pairs: 3 of test-seen, 5 of test-unseen, 3 of test-buttons, 3 of test-absent. '
        'Intervals: 95 %, bootstrapped over scenes. baseline: an element at random, or the '
        'most frequent action.',
    )


def test_every_number_of_the_table_is_found_by_name(report: EvaluationReport) -> None:
    benchmark = BenchmarkReport(dict.fromkeys(SPLITS, report))
    named = list(numbers(benchmark.to_json()))
    cells = [cell for row in benchmark.table().rows.values() for cell in row if cell is not None]
    assert len(cells) == 15
    assert all(to_json(cell) in named for cell in cells)


def numbers(content: object) -> Iterator[object]:
    """What a program reads, one with its interval as one."""
    if isinstance(content, dict) and 'confidence' not in content:
        for value in content.values():
            yield from numbers(value)
    else:
        yield content


def test_what_a_split_does_not_measure_is_empty(report: EvaluationReport) -> None:
    without = {**report.measures, 'abstention': None, 'demonstration_use': None}
    reports = {split: replace(report, measures=without) for split in SPLITS}

    rows = BenchmarkReport(reports).table().rows

    for label in (
        'test-absent: distinction of other objects from the demonstrated one, AUROC',
        'test-absent: pairs of the demonstrated object that are found',
        "test-seen: another element's video: peak inside the other",
    ):
        assert rows[label] == (None, None)


def test_every_split_is_needed(report: EvaluationReport) -> None:
    with pytest.raises(ValueError, match='lacks test-unseen'):
        BenchmarkReport({split: report for split in SPLITS if split != 'test-unseen'})
