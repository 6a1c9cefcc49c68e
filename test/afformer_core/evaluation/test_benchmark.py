# SPDX-License-Identifier: Apache-2.0
"""The simulated benchmark's table of goals."""

import pytest

from afformer_core.evaluation.benchmark import GOALS, SPLITS, BenchmarkReport, Goal
from afformer_core.evaluation.bootstrap import Estimate
from afformer_core.evaluation.report import Report

EVERYTHING = Estimate(0.8, 0.7, 0.9)


def report(split: str, **metrics: Estimate) -> Report:
    named = {goal.metric: EVERYTHING for goal in GOALS if goal.split == split} | metrics
    return Report({'pairs': 300}, (), named, {'nearest': 0.05})


def benchmark(**metrics: Estimate) -> BenchmarkReport:
    return BenchmarkReport(
        {split: report(split, **(metrics if split == 'test-seen' else {})) for split in SPLITS}
    )


def test_a_bound_is_reached_from_its_own_side() -> None:
    assert Goal('test-seen', 'right', 'nearest', 0.88).is_reached(0.88)
    assert not Goal('test-seen', 'right', 'nearest', 0.88).is_reached(0.87)
    upper = Goal('test-seen', 'wrong', 'swapped_peak_inside', 0.05, at_least=False)
    assert upper.is_reached(0.05)
    assert not upper.is_reached(0.06)


def test_the_table_tells_value_goal_and_blind_row() -> None:
    table = benchmark(nearest=Estimate(0.9, 0.85, 0.95)).table()

    row = table.rows['test-seen: nearest element is the right one']
    assert row == [Estimate(0.9, 0.85, 0.95), 'at least 0.88', 'yes', 0.05]
    assert table.rows['test-seen: peak inside the demonstrated element'] == [
        EVERYTHING, 'at least 0.78', 'yes', None,
    ]  # fmt: skip
    assert table.rows['test-unseen: peak inside the demonstrated element'][2] == 'yes'
    assert table.rows['test-seen: the same, video backwards'][1:3] == ['at most 0.5', 'no']


def test_what_a_split_cannot_measure_is_not_reached() -> None:
    reports = {split: report(split) for split in SPLITS}
    reports['test-absent'] = Report({'pairs': 1}, (), {}, {})

    rows = BenchmarkReport(reports).table().rows

    assert rows['test-absent: told from a fitting video, AUROC'] == [
        None, 'at least 0.93', 'not measured', None,
    ]  # fmt: skip


def test_every_split_is_needed() -> None:
    with pytest.raises(ValueError, match='lacks test-unseen'):
        BenchmarkReport({split: report(split) for split in SPLITS if split != 'test-unseen'})


def test_the_json_holds_goals_and_splits() -> None:
    content = benchmark().to_json()

    assert list(content['splits']) == list(SPLITS)
    assert content['splits']['test-buttons']['metrics']['nearest'] == 0.8
    assert content['goals']['title'] == 'Simulated benchmark'
