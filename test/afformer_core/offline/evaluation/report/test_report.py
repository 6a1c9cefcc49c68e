# SPDX-License-Identifier: Apache-2.0
"""Every number of an evaluation by name, and tables that are made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.offline.evaluation.baselines import BaselinePrior
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.protocols import ButtonsProtocol
from afformer_core.offline.evaluation.report.report import EvaluationReport, build_report
from afformer_core.offline.reports.bootstrap import Estimate
from afformer_core.offline.reports.tables import to_json
from afformer_core.runtime.calibrations import PresenceCalibration

from ..conftest import described

NAMES = ('press', 'hold')
pytestmark = pytest.mark.usefixtures('few_draws')
CALIBRATION = PresenceCalibration(0.0, 20.0, -14.0, 0.8, 0.9, 40, 'validation.json', 'ab12')
LEFT_HALF = np.asarray(np.repeat([[1.0, 1e-3]], 32, axis=0).repeat(16, axis=1), np.float32)


def build(results: Sequence[PairResult], seed: int = 0) -> EvaluationReport:
    """With every part that there is: elements, buttons, a calibration and a mean map."""
    prior = BaselinePrior(
        lambda index, row: LEFT_HALF / LEFT_HALF.sum(), "same action's mean map", 1
    )
    protocol = ButtonsProtocol((32, 32))
    return build_report(
        results, protocol, prior, NAMES, {'model': 'counted'}, CALIBRATION, seed, progress=False
    )


def leaves(content: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Every number with its path; one with an interval is one."""
    if isinstance(content, dict) and 'confidence' not in content:
        for name, value in content.items():
            yield from leaves(value, f'{path}.{name}' if path else name)
    elif content is not None:
        yield path, content


def test_names_of_all_numbers(results: list[PairResult]) -> None:
    content = build(results).to_json()
    assert list(content) == ['schema', 'facts', 'measures']
    measures = content['measures']
    named = {name: value for name, value in leaves(measures) if isinstance(value, dict)}
    found = {name: round(value['value'], 6) for name, value in named.items()}
    assert {
        'predictors.model.which_button': 0.75,
        'predictors.model.which_button_above_chance': 0.25,
        'predictors.constant_action.balanced_accuracy': 0.5,
        'predictors.uniform.which_button': 0.5,
        'by_action.press.kld': 0.75,
        'by_action.hold.kld': 1.25,
    }.items() <= found.items()
    assert measures['pairs'] == 4
    assert measures['groups'] == 2
    assert measures['milliseconds_median'] == 10.0
    assert measures['predictors']['random_element']['which_button'] == 0.5


def test_the_seed_is_that_of_every_draw(
    monkeypatch: pytest.MonkeyPatch, results: list[PairResult]
) -> None:
    seeds = []

    def rng(seed: Any = None) -> np.random.Generator:
        seeds.append(seed)
        return draw(seed)

    draw = np.random.default_rng
    monkeypatch.setattr(np.random, 'default_rng', rng)
    build(results, seed=5)
    # Of the jitter of each predictor that is measured here, and of the intervals.
    assert seeds.count((5, 0)) == 4
    assert set(seeds) == {5, (5, 0)}


def test_every_number_of_the_tables_is_found_by_name(results: list[PairResult]) -> None:
    report = build(results)
    named = [value for _, value in leaves(json.loads(json.dumps(report.to_json()['measures'])))]
    cells = [cell for table in report.tables for row in table.rows.values() for cell in row]
    assert sum(isinstance(cell, Estimate) for cell in cells) > 60
    for cell in cells:
        assert cell is None or to_json(cell) in named


def test_what_is_not_measured_is_null(results: list[PairResult]) -> None:
    alone = [
        replace(
            each,
            pair=replace(each.pair, hard_negative=None),
            hard_negative_kld=None,
            hard_negative_peak=None,
            negative_presence_features=None,
        )
        for each in results
    ]
    report = build(alone)
    measures = report.to_json()['measures']
    assert measures['demonstration_use'] is None
    assert measures['abstention'] is None
    titles = [table.title for table in report.tables]
    assert titles == [
        'Accuracy', 'Best peak', 'Which button?', 'By action',
    ]  # fmt: skip


PLACEHOLDERS = (
    (r'^predictors\.\w+', 'predictors.PREDICTOR'),
    (r'^by_action\.\w+', 'by_action.ACTION'),
    (r'^abstention\.auroc\.\w+', 'abstention.auroc.MEASURE'),
)


def test_every_name_is_described(root: Path, results: list[PairResult]) -> None:
    names = set()
    for name, _ in leaves(build(results).to_json()['measures']):
        for pattern, placeholder in PLACEHOLDERS:
            name = re.sub(pattern, placeholder, name)
        names.add(name)
    # test_pooled_rows measures these
    known = described(root, '`measures`')
    pooling = {name for name in known if name.startswith('pooling.')}
    assert len(pooling) == 5
    assert known - pooling == names
