# SPDX-License-Identifier: Apache-2.0
"""Every number of an evaluation by name, and tables that are made of them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.offline.evaluation.baselines import BaselinePrior
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.evaluation.protocols import ButtonsProtocol
from afformer_core.offline.evaluation.report.report import (
    EvaluationReport,
    build_report,
    write_report,
)
from afformer_core.offline.reports.bootstrap import Estimate
from afformer_core.offline.reports.tables import Table, to_json
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
    return build_report(results, protocol, prior, NAMES, {'model': 'counted'}, CALIBRATION, seed)


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


GREY = np.full((60, 80, 3), 128, np.uint8)
TABLE = Table(
    'Accuracy',
    ('KLD', 'pairs'),
    {'model': [Estimate(0.5, 0.25, 1.0, 12), 12], 'a < b': [None, 3]},
    ('lower is better',),
)
REPORT = EvaluationReport({'model': 'models/<my model>', 'pairs': 12}, None, (TABLE,))
VOID = {'meta', 'img'}


class Reader(HTMLParser):
    """Collects texts, and fails where tags do not match."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.images = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag == 'img':
            self.images.append(dict(attributes)['src'])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding='utf-8'))
    assert reader.open == []
    return reader


def test_facts_measures_and_tables_are_told(tmp_path):
    write_report(tmp_path / 'page.html', REPORT, {})
    texts = read(tmp_path / 'page.html').texts
    assert texts.count('Evaluation of <my model>') == 2
    for text in ('models/<my model>', 'Accuracy', 'a < b', '0.500', '0.250 to 1.000', '12', '-'):
        assert text in texts
    assert 'lower is better' in texts


def test_images_are_in_the_page_with_their_captions(tmp_path):
    captions = ['test/3 & 4, push: KLD 0.52', 'test/5, push: KLD 0.9']
    write_report(tmp_path / 'page.html', REPORT, dict.fromkeys(captions, GREY))
    page = read(tmp_path / 'page.html')
    assert len(page.images) == 2
    for source in page.images:
        kind, data = source.split(',')
        assert kind == 'data:image/jpeg;base64'
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (60, 80, 3)
    assert [text for text in page.texts if text in captions] == captions


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    write_report(tmp_path / 'page.html', REPORT, {'one': GREY})
    text = (tmp_path / 'page.html').read_text()
    assert not re.findall(r'https?:|<script|<link|@import|url\(', text)
